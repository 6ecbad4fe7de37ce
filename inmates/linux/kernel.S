// SPDX-License-Identifier: Apache-2.0
// A bzImage that is no Linux: the boot sector with the setup header (Documentation/arch/x86/boot.rst), and the 64-bit
// entry, which saves the address of the zero page and the state in which it was entered.

    .section .setup, "a"
    .globl setup
setup:
    .org 0x1f1
    .byte 1                     // setup_sects: one sector follows the boot sector
    .word 0                     // root_flags
    .long kernel_paragraphs     // syssize
    .word 0, 0, 0               // ram_size, vid_mode, root_dev
    .word 0xaa55
    .byte 0xeb, header_end - header     // jump
header:
    .ascii "HdrS"
    .word 0x020f                // version
    .long 0                     // realmode_swtch
    .word 0, 0                  // start_sys_seg, kernel_version
    .byte 0, 1                  // type_of_loader; loadflags: loaded high
    .word 0                     // setup_move_size
    .long 0x100000              // code32_start
    .long 0, 0, 0               // ramdisk_image, ramdisk_size, bootsect_kludge
    .word 0                     // heap_end_ptr
    .byte 0, 0                  // ext_loader_ver, ext_loader_type
    .long 0                     // cmd_line_ptr
    .long 0x7fffffff            // initrd_addr_max
    .long 0x200000              // kernel_alignment
    .byte 0, 21                 // relocatable_kernel; min_alignment
    .word 3                     // xloadflags: 64-bit entry, may be above 4 GiB
    .long 2047                  // cmdline_size
    .long 0                     // hardware_subarch
    .quad 0                     // hardware_subarch_data
    .long 0, 0                  // payload_offset, payload_length
    .quad 0                     // setup_data
    .quad kernel_start          // pref_address
    .long kernel_size           // init_size
    .long 0, 0                  // handover_offset, kernel_info_offset
header_end:
    .org 0x400

    .section .kernel, "ax"
    .code32
    ud2                         // the 32-bit entry
    .org 0x200
    .code64
    movl $bss_start, %edi       // RSI: the zero page
    movl $bss_end, %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
    movq %rsi, zero_page(%rip)
    movl %cs, %eax
    movl %eax, entry_state(%rip)
    movl %ds, %eax
    movl %eax, entry_state + 4(%rip)
    pushfq
    popq %rax
    movl %eax, entry_state + 8(%rip)
    movl $stack_top, %esp
    xorl %ebp, %ebp
    call prepare_kernel
    call inmate_main
    call runtime_finish
    .globl stop
stop:
    cli
    hlt
    jmp stop

    .section .text
    .globl address_of_zero_page, address_of_entry_state
address_of_zero_page:
    movq zero_page(%rip), %rax
    ret
address_of_entry_state:
    leaq entry_state(%rip), %rax
    ret

    .bss
    .balign 8
zero_page:
    .skip 8
entry_state:                    // CS, DS, RFLAGS
    .skip 12
    .balign 16
    .skip 0x4000
stack_top:
    // what runtime/x86/start.S has for other programs
    .globl region_address, command_line, print_lock, runtime_words, interrupt_table, interrupt_counts, stacks, dma_memory
    .globl processors_ready, processor_identifiers, waiting_stack, waiting_program
    .globl page_directory_pointers, page_directories, more_page_directories
region_address:
    .skip 4
print_lock:
    .skip 4
runtime_words:
    .skip 64
    // not used by this program
processors_ready:
processor_identifiers:
waiting_stack:
waiting_program:
stacks:
interrupt_table:
interrupt_counts:
dma_memory:
page_directory_pointers:
page_directories:
more_page_directories:
    .skip 64
command_line:
    .skip 0x100
