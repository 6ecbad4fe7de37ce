// SPDX-License-Identifier: Apache-2.0
/*
 * Stands in for RTEMS on aarch64: the start code, the vectors, a table of handlers, the time by ticks, one task. What is
 * the layer's in a real program, under RTEMS, is the layer's here.
 */
#include <bsp.h>
#include <bsp/bootcard.h>
#include <bsp/console-termios.h>
#include <bsp/irq-generic.h>
#include <dev/clock/arm-generic-timer.h>
#include <dev/irq/arm-gic-arch.h>
#include <rtems/bspIo.h>
#include <rtems/fatal.h>
#include <rtems/irq-extension.h>
#include <stdarg.h>

#define TICKS_PER_SECOND 100
#define VECTORS 256

void initialization_task(void);
void standin_begin(void);
void standin_exception(uint64_t syndrome, void *instruction, uint64_t address);
/* The program's, if it has something to do before the layer begins. */
void standin_before_bsp(void) __attribute__((weak));
void _Clock_Initialize(void);

/* As start.o: a stack, the layer's hook, then RTEMS. */
__asm__(".section .standin_start, \"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "adrp x0, stack_end\n"
        "add x0, x0, :lo12:stack_end\n"
        "mov sp, x0\n"
        "bl bsp_start_hook_1\n"
        "bl standin_begin\n"
        "b .\n"
        ".text\n"
        "interrupted:\n"
        "sub sp, sp, #192\n"
        "stp x0, x1, [sp]\n"
        "stp x2, x3, [sp, #16]\n"
        "stp x4, x5, [sp, #32]\n"
        "stp x6, x7, [sp, #48]\n"
        "stp x8, x9, [sp, #64]\n"
        "stp x10, x11, [sp, #80]\n"
        "stp x12, x13, [sp, #96]\n"
        "stp x14, x15, [sp, #112]\n"
        "stp x16, x17, [sp, #128]\n"
        "stp x18, x30, [sp, #144]\n"
        "mrs x0, elr_el1\n"
        "mrs x1, spsr_el1\n"
        "stp x0, x1, [sp, #160]\n"
        "bl bsp_interrupt_dispatch\n"
        "ldp x0, x1, [sp, #160]\n"
        "msr elr_el1, x0\n"
        "msr spsr_el1, x1\n"
        "ldp x18, x30, [sp, #144]\n"
        "ldp x16, x17, [sp, #128]\n"
        "ldp x14, x15, [sp, #112]\n"
        "ldp x12, x13, [sp, #96]\n"
        "ldp x10, x11, [sp, #80]\n"
        "ldp x8, x9, [sp, #64]\n"
        "ldp x6, x7, [sp, #48]\n"
        "ldp x4, x5, [sp, #32]\n"
        "ldp x2, x3, [sp, #16]\n"
        "ldp x0, x1, [sp]\n"
        "add sp, sp, #192\n"
        "eret\n"
        "excepted:\n"
        "mrs x0, esr_el1\n"
        "mrs x1, elr_el1\n"
        "mrs x2, far_el1\n"
        "b standin_exception\n"
        ".macro vector to\n"
        ".balign 0x80\n"
        "b \\to\n"
        ".endm\n"
        ".balign 0x800\n"
        ".globl bsp_start_vector_table_begin\n"
        "bsp_start_vector_table_begin:\n"
        ".rept 4\n"
        "vector excepted\n"
        ".endr\n"
        "vector excepted\n"
        "vector interrupted\n"
        ".rept 10\n"
        "vector excepted\n"
        ".endr\n"
        ".section .noinit.stack, \"aw\", @nobits\n"
        ".balign 16\n"
        ".skip 0x4000\n"
        "stack_end:\n"
        ".text\n");

void standin_begin(void)
{
    if (standin_before_bsp)
        standin_before_bsp();
    bsp_start();
    __asm__ volatile("msr daifclr, #2");
    initialization_task();
    rtems_fatal(RTEMS_FATAL_SOURCE_EXIT, 0);
}

void standin_exception(uint64_t syndrome, void *instruction, uint64_t address)
{
    rtems_exception_frame frame = { instruction, syndrome, address };

    bsp_fatal_extension(RTEMS_FATAL_SOURCE_EXCEPTION, false, (rtems_fatal_code) &frame);
}

void rtems_cache_coherent_add_area(void *begin, uintptr_t size)
{
    (void) begin, (void) size;
}

void arm_interrupt_facility_set_exception_handler(void)
{
}

uint32_t arm_interrupt_enable_interrupts(void)
{
    __asm__ volatile("msr daifclr, #2" : : : "memory");
    return 1;
}

void arm_interrupt_restore_interrupts(uint32_t level)
{
    if (level)
        __asm__ volatile("msr daifset, #2" : : : "memory");
}

static rtems_interrupt_entry *entries[VECTORS];

void bsp_interrupt_initialize(void)
{
    bsp_interrupt_facility_initialize();
}

bool bsp_interrupt_is_valid_vector(rtems_vector_number vector)
{
    return vector < VECTORS;
}

rtems_status_code rtems_interrupt_entry_install(
    rtems_vector_number vector, rtems_option options, rtems_interrupt_entry *entry)
{
    (void) options;
    entries[vector] = entry;
    return bsp_interrupt_vector_enable(vector);
}

void bsp_interrupt_handler_dispatch_unchecked(rtems_vector_number vector)
{
    if (entries[vector])
        entries[vector]->handler(entries[vector]->argument);
}

/* As the BSPs' driver: absolute deadlines. */
static volatile uint32_t ticks;
static uint32_t interval;

static void tick(void *argument)
{
    (void) argument;
    arm_gt_clock_set_compare_value(arm_gt_clock_get_compare_value() + interval);
    ticks++;
}

static rtems_interrupt_entry clock = RTEMS_INTERRUPT_ENTRY_INITIALIZER(tick, NULL, "Clock");

void _Clock_Initialize(void)
{
    uint32_t frequency, vector;

    arm_gt_clock_set_control(3);
    arm_generic_timer_get_config(&frequency, &vector);
    interval = frequency / TICKS_PER_SECOND;
    rtems_interrupt_entry_install(vector, RTEMS_INTERRUPT_UNIQUE, &clock);
    arm_gt_clock_set_compare_value(arm_gt_clock_get_count() + interval);
    arm_gt_clock_set_control(1);
}

rtems_interval rtems_clock_get_ticks_per_second(void)
{
    return TICKS_PER_SECOND;
}

rtems_status_code rtems_task_wake_after(rtems_interval wanted)
{
    uint32_t begin = ticks;

    for (;;) {
        __asm__ volatile("msr daifset, #2" : : : "memory");
        if (ticks - begin >= wanted)
            break;
        __asm__ volatile("wfi; msr daifclr, #2; isb" : : : "memory");
    }
    __asm__ volatile("msr daifclr, #2" : : : "memory");
    return RTEMS_SUCCESSFUL;
}

void rtems_fatal(rtems_fatal_source source, rtems_fatal_code code)
{
    bsp_fatal_extension(source, false, code);
    bsp_reset(source, code);
}

void exit(int status)
{
    rtems_fatal(RTEMS_FATAL_SOURCE_EXIT, (rtems_fatal_code) status);
}

const char *rtems_fatal_source_text(rtems_fatal_source source)
{
    return source == RTEMS_FATAL_SOURCE_EXIT ? "RTEMS_FATAL_SOURCE_EXIT" : "another source";
}

const char *rtems_internal_error_text(rtems_fatal_code code)
{
    (void) code;
    return "an internal error";
}

void rtems_exception_frame_print(const rtems_exception_frame *frame)
{
    printk("frame: %lx\n", (unsigned long) frame->register_pc);
}

void rtems_termios_set_best_baud(struct termios *termios, uint32_t baud)
{
    (void) termios, (void) baud;
}

bool console_device_probe_default(rtems_termios_device_context *context)
{
    (void) context;
    return true;
}

static void put_number(uint64_t number, uint64_t base, unsigned digits)
{
    if (number >= base || digits > 1)
        put_number(number / base, base, digits ? digits - 1 : 0);
    BSP_output_char("0123456789abcdef"[number % base]);
}

int printk(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    for (; *format; format++) {
        unsigned digits = 0;
        bool is_long = false;

        if (*format != '%') {
            BSP_output_char(*format);
            continue;
        }
        for (format++; *format >= '0' && *format <= '9'; format++)
            digits = digits * 10 + (unsigned) (*format - '0');
        if (*format == 'l') {
            is_long = true;
            format++;
        }
        switch (*format) {
        case 'u':
        case 'x':
            put_number(is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t), *format == 'u' ? 10 : 16,
                digits);
            break;
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text; text++)
                BSP_output_char(*text);
            break;
        }
    }
    va_end(arguments);
    return 0;
}

/* The compiler may call it for structures. */
void *memset(void *memory, int value, size_t size);
void *memset(void *memory, int value, size_t size)
{
    for (char *byte = memory; size; size--)
        *byte++ = (char) value;
    return memory;
}

void *memcpy(void *to, const void *from, size_t size);
void *memcpy(void *to, const void *from, size_t size)
{
    const char *source = from;

    for (char *byte = to; size; size--)
        *byte++ = *source++;
    return to;
}
