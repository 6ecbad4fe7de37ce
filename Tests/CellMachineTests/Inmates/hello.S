// SPDX-License-Identifier: Apache-2.0
// Prints, looks at the communication region at 0x100000, answers one message, and shuts down.
    .include "common.S"
    begin
    print "hello\n"
    movl 0x100000, %ebx             // JHCO
    call print_number
    print " "
    movl 0x100040, %ebx             // PM timer port, CPUs
    call print_number
    print "\n"
    // the hypervisor's name
    movl $0x40000000, %eax
    cpuid
    pushl %edx
    pushl %ecx
    call print_number
    popl %ebx
    call print_number
    popl %ebx
    call print_number
    print "\n"
    // the virtual console
    movl $8, %eax
    movl $'v', %edi
    vmmcall
    movl $8, %eax
    movl $'\n', %edi
    vmmcall
1:  pause
    movl 0x10000c, %eax
    testl %eax, %eax
    jz 1b
    movl $0, 0x10000c
    movl $3, 0x100010
    print "bye\n"
    movl $2, 0x100008
    jmp stop
    library
