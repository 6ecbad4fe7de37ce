// SPDX-License-Identifier: Apache-2.0
// Where a processor arrives at EL2, the ways from the cell to Swift and back, and the instructions that Swift has no
// words for. The MMU of EL2 is off: addresses are the machine's.

#define IMAGE 0x2000                    // MonitorMemory.image: where this is in the monitor's memory
#define CPUS 0x40000                    // MonitorMemory.cpus
#define CPU_STRIDE 0x6000               // MonitorMemory.cpuStride
#define RECORD 0x5000                   // MonitorMemory.CPU.record, where the stack begins
#define FRAME 256                       // MonitorMemory.Arm64.frameSize

#define SYNCHRONOUS 0                   // Cause in Exits.swift
#define INTERRUPT 1
#define OTHER 2

    .section .entry, "ax"
    .globl _start
_start:                                 // x0: the index among the cell's CPUs; 0 after a reset
    msr daifset, #0xf
    adrp x1, _start
    sub x1, x1, #IMAGE
    mov x2, #CPU_STRIDE
    mul x2, x0, x2
    add x2, x2, x1
    mov x3, #CPUS
    add x2, x2, x3
    mov x3, #RECORD - FRAME             // below the cell's registers
    add x2, x2, x3
    mov sp, x2
    msr tpidr_el2, x0
    adrp x2, vectors
    add x2, x2, :lo12:vectors
    msr vbar_el2, x2
    isb
    bl monitor_main                     // comes back when the cell may run
    b return_to_cell

    .macro from_cell cause
    .balign 0x80
    sub sp, sp, #FRAME
    stp x0, x1, [sp, #0]
    mov x0, #\cause
    b left_cell
    .endm

    .macro from_monitor
    .balign 0x80
    b failed
    .endm

    .balign 0x800
vectors:
    .rept 8                             // of EL2 itself
    from_monitor
    .endr
    .rept 2                             // of a cell in AArch64, then in AArch32
    from_cell SYNCHRONOUS
    from_cell INTERRUPT
    from_cell OTHER
    from_cell OTHER
    .endr
    .balign 0x80

left_cell:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    str x30, [sp, #240]
    bl monitor_exit
return_to_cell:
    ldr x30, [sp, #240]
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp, #0]
    add sp, sp, #FRAME
    eret

failed:                                 // what the monitor itself did wrong
    mrs x0, esr_el2
    mrs x1, elr_el2
    mrs x2, far_el2
    bl monitor_exception
1:  wfi
    b 1b

    .macro function name:req
    .section .text.\name, "ax"
    .globl \name
\name:
    .endm

function monitor_base
    adrp x0, _start
    sub x0, x0, #IMAGE
    ret
function monitor_entry
    adrp x0, _start
    ret

// (function, first, second, third) -> result: QEMU's own PSCI
function firmware_call
    smc #0
    ret

// words that several CPUs and the host change: (address, value) -> what was there before
function exchange
1:  ldaxr w2, [x0]
    stlxr w3, w1, [x0]
    cbnz w3, 1b
    mov w0, w2
    ret
function fetch_add
1:  ldaxr w2, [x0]
    add w4, w2, w1
    stlxr w3, w4, [x0]
    cbnz w3, 1b
    mov w0, w2
    ret
function fetch_or
1:  ldaxr w2, [x0]
    orr w4, w2, w1
    stlxr w3, w4, [x0]
    cbnz w3, 1b
    mov w0, w2
    ret
function cpu_pause
    yield
    ret
function memory_barrier
    dmb ish
    ret
// Until there is an interrupt, which stays pending.
function await_interrupt
    dsb sy
    wfi
    ret
function flush_translations
    dsb ish
    tlbi vmalls12e1
    dsb ish
    ic iallu
    isb
    ret

// What a CPU's reset leaves in the registers of EL1 and EL0 (the facts: as the hypervisor writes them).
function clear_system_registers
    .irp register, sp_el0, sp_el1, spsr_el1, cntkctl_el1, pmcr_el0, afsr0_el1, afsr1_el1, amair_el1, contextidr_el1, csselr_el1, esr_el1, far_el1, mair_el1, par_el1, tcr_el1, tpidrro_el0, tpidr_el0, tpidr_el1, ttbr0_el1, ttbr1_el1, vbar_el1, cntp_ctl_el0, cntp_cval_el0, cntv_ctl_el0, cntv_cval_el0
    msr \register, xzr
    .endr
    isb
    ret

    .macro reader name:req, register:req
    function read_\name
    mrs x0, \register
    ret
    .endm
    .macro writer name:req, register:req
    function write_\name
    msr \register, x0
    isb
    ret
    .endm
    .macro both name:req, register:req
    reader \name, \register
    writer \name, \register
    .endm

reader cpu_index, tpidr_el2
both syndrome, esr_el2
reader fault_address, far_el2
reader intermediate_address, hpfar_el2
both return_address, elr_el2
both saved_state, spsr_el2
reader stack_pointer_el0, sp_el0
reader stack_pointer_el1, sp_el1
both system_control, sctlr_el1
reader cell_translation_control, tcr_el1
reader lower_table, ttbr0_el1
reader upper_table, ttbr1_el1
writer coprocessor_access, cpacr_el1
writer hypervisor_configuration, hcr_el2
writer translation_control, vtcr_el2
writer translation_table, vttbr_el2
writer virtual_affinity, vmpidr_el2
writer virtual_identity, vpidr_el2
reader identity, midr_el1
writer counter_access, cnthctl_el2
writer counter_offset, cntvoff_el2
writer coprocessor_traps, cptr_el2
writer hypervisor_system_traps, hstr_el2
writer debug_traps, mdcr_el2
writer floating_point32, fpexc32_el2

// The interrupt controller, version 3: the CPU's interface and the cell's (Arm's IHI0069, chapters 12.2 and 12.4).
writer gic_system_registers, S3_4_C12_C9_5      // ICC_SRE_EL2
writer gic_control, S3_0_C12_C12_4              // ICC_CTLR_EL1
writer gic_priority_mask, S3_0_C4_C6_0          // ICC_PMR_EL1
writer gic_group_enable, S3_0_C12_C12_7         // ICC_IGRPEN1_EL1
reader gic_acknowledge, S3_0_C12_C12_0          // ICC_IAR1_EL1
writer gic_end, S3_0_C12_C12_1                  // ICC_EOIR1_EL1
writer gic_deactivate, S3_0_C12_C11_1           // ICC_DIR_EL1
writer gic_software_interrupt, S3_0_C12_C11_5   // ICC_SGI1R_EL1
writer gic_virtual_control, S3_4_C12_C11_0      // ICH_HCR_EL2
writer gic_virtual_machine_control, S3_4_C12_C11_7      // ICH_VMCR_EL2
writer gic_active_priorities, S3_4_C12_C9_0     // ICH_AP1R0_EL2
both gic_list0, S3_4_C12_C12_0                  // ICH_LR0_EL2 and so on
both gic_list1, S3_4_C12_C12_1
both gic_list2, S3_4_C12_C12_2
both gic_list3, S3_4_C12_C12_3

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
