// SPDX-License-Identifier: Apache-2.0
// The instructions that Swift has no words for, as functions.
//
// Device memory is read and written here as well: of an access that it emulates the hypervisor knows only what the
// processor says, and that is nothing of pairs, of addresses that are changed by the way, and of vectors.

    .macro function name:req
    .section .text.\name, "ax"
    .globl \name
\name:
    .endm

// memory of devices: (address, value), (address) -> value
function device_write8
    strb w1, [x0]
    ret
function device_write16
    strh w1, [x0]
    ret
function device_write32
    str w1, [x0]
    ret
function device_write64
    str x1, [x0]
    ret
function device_read8
    ldrb w0, [x0]
    ret
function device_read16
    ldrh w0, [x0]
    ret
function device_read32
    ldr w0, [x0]
    ret
function device_read64
    ldr x0, [x0]
    ret

// the order of stores, as another processor sees it
function memory_barrier
    dmb ish
    ret

// words that several processors change: (address, value) -> what was there before
function word_exchange
1:  ldaxr w2, [x0]
    stlxr w3, w1, [x0]
    cbnz w3, 1b
    mov w0, w2
    ret
function word_add
1:  ldaxr w2, [x0]
    add w4, w2, w1
    stlxr w3, w4, [x0]
    cbnz w3, 1b
    mov w0, w2
    ret

// (number, first, second) -> result
function hypercall
    hvc #0x4a48
    ret
// (function, first, second, third) -> result
function secure_call
    smc #0
    ret

    .macro reader name:req, register:req
    function \name
    mrs x0, \register
    ret
    .endm
    .macro writer name:req, register:req
    function \name
    msr \register, x0
    isb
    ret
    .endm

reader counter_frequency, cntfrq_el0
function counter_value
    isb
    mrs x0, cntvct_el0
    ret
writer timer_write_value, cntv_tval_el0
writer timer_write_control, cntv_ctl_el0
reader processor_affinity, mpidr_el1

// the interrupt controller's registers of a CPU, version 3
writer gic_write_registers_enable, S3_0_C12_C12_5       // ICC_SRE_EL1
writer gic_write_priority_mask, S3_0_C4_C6_0            // ICC_PMR_EL1
writer gic_write_group_enable, S3_0_C12_C12_7           // ICC_IGRPEN1_EL1
reader gic_read_acknowledge, S3_0_C12_C12_0             // ICC_IAR1_EL1
writer gic_write_end, S3_0_C12_C12_1                    // ICC_EOIR1_EL1
writer gic_write_software_interrupt, S3_0_C12_C11_5     // ICC_SGI1R_EL1

function interrupts_enable
    msr daifclr, #2
    ret
function interrupts_disable
    msr daifset, #2
    ret
// Sleeps until an interrupt came and was taken; afterwards they are held off again.
function wait_for_interrupt
    wfi
    msr daifclr, #2
    isb
    msr daifset, #2
    ret
function pause
    yield
    ret

    .macro place function:req, symbol:req
    function \function
    adrp x0, \symbol
    add x0, x0, :lo12:\symbol
    ret
    .endm
place address_of_command_line, command_line
place address_of_print_lock, print_lock
place address_of_runtime_words, runtime_words
place address_of_interrupt_counts, interrupt_counts
place address_of_region_address, region_address
place address_of_stacks, stacks
place address_of_processor_start, processor_start
function communication_region_address
    adrp x0, region_address
    ldr w0, [x0, :lo12:region_address]
    ret

// what compilers take for granted
function memset
    mov x3, x0
1:  cbz x2, 2f
    strb w1, [x3], #1
    sub x2, x2, #1
    b 1b
2:  ret
function memcpy
    mov x3, x0
1:  cbz x2, 2f
    ldrb w4, [x1], #1
    strb w4, [x3], #1
    sub x2, x2, #1
    b 1b
2:  ret
function memmove
    cmp x0, x1
    b.ls memcpy
    add x3, x0, x2
    add x1, x1, x2
1:  cbz x2, 2f
    ldrb w4, [x1, #-1]!
    strb w4, [x3, #-1]!
    sub x2, x2, #1
    b 1b
2:  ret

// for a program that misbehaves
function undefined_instruction
    udf #0
    ret
function call_address
    br x0
function read_pair
    ldp x1, x2, [x0]
    ret
function write_pair
    stp x1, x2, [x0]
    ret
function read_indexed
    ldr w1, [x0], #4
    ret
function zero_block
    dc zva, x0
    ret
function push_below
    mov sp, x0
    stp x29, x30, [sp, #-16]!
    b stop
function foreign_hypercall
    hvc #0
    ret
function odd_secure_call
    smc #0x77
    ret
reader read_auxiliary_control, actlr_el1
writer write_auxiliary_control, actlr_el1
writer write_group0_software_interrupt, S3_0_C12_C11_7  // ICC_SGI0R_EL1
writer write_alias_software_interrupt, S3_0_C12_C11_6   // ICC_ASGI1R_EL1
reader read_hypervisor_configuration, hcr_el2
function read_floating_point
    msr cpacr_el1, xzr
    isb
    fmov x0, d0
    ret
// an exception, and nothing to take it
function forget_vectors
    msr vbar_el1, xzr
    isb
    udf #0

    // EL0 sees its code with the MMU off only
    .macro as_user
    mrs x2, sctlr_el1
    bic x2, x2, #1
    msr sctlr_el1, x2
    mov x2, #0x3c0
    msr spsr_el1, x2
    adr x2, 1f
    msr elr_el1, x2
    isb
    eret
1:
    .endm
function user_write
    as_user
    str w0, [x0]
    b .
function user_hypercall
    as_user
    hvc #0x4a48
    b .
