// SPDX-License-Identifier: Apache-2.0
/*
 * Stands in for RTEMS: the start code, the entries of interrupts, a table of handlers, the time by ticks, one task. What
 * is the layer's in a real program, under RTEMS, is the layer's here.
 */
#include <rtems.h>

#include <bsp.h>
#include <bsp/bootcard.h>
#include <bsp/irq-generic.h>
#include <libcpu/cpuModel.h>
#include <rtems/bspIo.h>
#include <rtems/fatal.h>
#include <rtems/score/userextimpl.h>
#include <rtems/termiostypes.h>
#include <rtems/timecounter.h>
#include <stdarg.h>

void initialization_task(void);
void standin_begin(void);
/* The program's, if it has something to do before the layer begins. */
void standin_before_bsp(void) __attribute__((weak));
void vesa_realmode_bootup_init(void);

char _boot_multiboot_cmdline[256];
FILE *stdout;

/* As start.o: the command line is kept, then the layer, then a stack. */
__asm__(".text\n"
        ".globl start\n"
        "start:\n"
        "cli\n"
        "cmpl $0x2badb002, %eax\n"
        "jne 2f\n"
        "testl $4, (%ebx)\n"
        "jz 2f\n"
        "movl 16(%ebx), %esi\n"
        "movl $_boot_multiboot_cmdline, %edi\n"
        "movl $255, %ecx\n"
        "1: lodsb\n"
        "stosb\n"
        "testb %al, %al\n"
        "loopnz 1b\n"
        "2: jmp _load_segments\n"
        ".globl _establish_stack\n"
        "_establish_stack:\n"
        "movl $stack + 0x4000, %esp\n"
        "call standin_begin\n"
        "cli\n"
        "hlt\n"
        ".globl standin_entry\n"
        "standin_entry:\n" /* the number is on the stack */
        "pushal\n"
        "cld\n"
        "pushl 32(%esp)\n"
        "call BSP_dispatch_isr\n"
        "addl $4, %esp\n"
        "popal\n"
        "addl $4, %esp\n"
        "iret\n"
        ".balign 16\n"
        ".globl standin_entries\n"
        "standin_entries:\n"
        ".set number, 0\n"
        ".rept 17\n"
        ".balign 16\n"
        "pushl $number\n"
        "jmp standin_entry\n"
        ".set number, number + 1\n"
        ".endr\n"
        ".bss\n"
        ".balign 16\n"
        "stack: .skip 0x4000\n"
        ".text\n");
extern char standin_entries[];

void standin_begin(void)
{
    if (standin_before_bsp)
        standin_before_bsp();
    _IBMPC_initVideo();
    vesa_realmode_bootup_init();
    bsp_start();
    initialization_task();
    rtems_fatal(RTEMS_FATAL_SOURCE_EXIT, 0);
}

void create_interrupt_gate_descriptor(interrupt_gate_descriptor *gate, rtems_raw_irq_hdl handler)
{
    uint32_t address = (uint32_t) handler;

    gate->low = (uint16_t) address;
    gate->selector = 0x08;
    gate->flags = 0x8e00;
    gate->high = (uint16_t) (address >> 16);
}

void rtems_irq_mngt_init(void)
{
    for (unsigned i = 0; i < 17; i++)
        create_interrupt_gate_descriptor(
            &Interrupt_descriptor_table[0x20 + i], (rtems_raw_irq_hdl) (uint32_t) (standin_entries + 16 * i));
    bsp_interrupt_facility_initialize();
}

void rtems_exception_init_mngt(void)
{
}

static struct {
    rtems_interrupt_handler handler;
    void *argument;
} handlers[17];

rtems_status_code rtems_interrupt_handler_install(
    rtems_vector_number vector, const char *info, rtems_option options, rtems_interrupt_handler handler, void *argument)
{
    (void) info, (void) options;
    handlers[vector].handler = handler;
    handlers[vector].argument = argument;
    return bsp_interrupt_vector_enable(vector);
}

rtems_status_code rtems_interrupt_handler_remove(
    rtems_vector_number vector, rtems_interrupt_handler handler, void *argument)
{
    (void) handler, (void) argument;
    handlers[vector].handler = 0;
    return bsp_interrupt_vector_disable(vector);
}

void bsp_interrupt_handler_dispatch(rtems_vector_number vector)
{
    if (handlers[vector].handler)
        handlers[vector].handler(handlers[vector].argument);
}

static struct timecounter *timecounter;
static volatile uint32_t ticks;
static uint32_t last_count;
static uint64_t counted;

void rtems_timecounter_install(struct timecounter *counter)
{
    timecounter = counter;
    last_count = counter->tc_get_timecount(counter);
}

static void count(void)
{
    uint32_t now = timecounter->tc_get_timecount(timecounter);

    counted += (now - last_count) & timecounter->tc_counter_mask;
    last_count = now;
}

void rtems_timecounter_tick(void)
{
    count();
    ticks++;
}

uint64_t rtems_clock_get_uptime_nanoseconds(void)
{
    uint64_t result;

    __asm__ volatile("cli");
    count();
    result = counted * 1000 / (timecounter->tc_frequency / 1000) * 1000;
    __asm__ volatile("sti");
    return result;
}

rtems_interval rtems_clock_get_ticks_per_second(void)
{
    return 100;
}

rtems_status_code rtems_task_wake_after(rtems_interval interval)
{
    uint32_t begin = ticks;

    for (;;) {
        __asm__ volatile("cli");
        if (ticks - begin >= interval)
            break;
        __asm__ volatile("sti; hlt");
    }
    __asm__ volatile("sti");
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
    (void) frame;
}

static User_extensions_Control *extension;

void _User_extensions_Add_set(User_extensions_Control *added)
{
    extension = added;
}

void standin_restart(Thread_Control *task)
{
    extension->Callouts.thread_restart(task, task);
}

/* The terminal: one device, opened when it is first used. */
static const rtems_termios_device_handler *device;
static rtems_termios_device_context *device_context;
static rtems_termios_tty terminal;
static bool is_open;
static volatile int on_its_way;
static volatile char received[64];
static volatile unsigned received_count, taken_count;

void rtems_termios_initialize(void)
{
}

rtems_status_code rtems_termios_device_install(const char *name, const rtems_termios_device_handler *handler,
    const rtems_termios_device_flow *flow, rtems_termios_device_context *context)
{
    (void) name, (void) flow;
    device = handler;
    device_context = context;
    return RTEMS_SUCCESSFUL;
}

void rtems_termios_set_best_baud(struct termios *termios, uint32_t baud)
{
    (void) termios, (void) baud;
}

int rtems_termios_enqueue_raw_characters(void *tty, const char *characters, int amount)
{
    (void) tty;
    for (int i = 0; i < amount; i++)
        received[received_count++ % sizeof received] = characters[i];
    return 0;
}

int rtems_termios_dequeue_characters(void *tty, int amount)
{
    (void) tty;
    on_its_way -= amount;
    if (on_its_way == 0)
        device->write(device_context, 0, 0); /* there is nothing more */
    return 0;
}

static void open_console(void)
{
    if (!is_open && device->first_open)
        device->first_open(&terminal, device_context, 0, 0);
    is_open = true;
}

bool standin_console_is_interrupt_driven(void)
{
    return device->mode == TERMIOS_IRQ_DRIVEN;
}

bool standin_console_waits(void)
{
    return terminal.rawInBufSemaphoreWait;
}

void standin_console_write(const char *text)
{
    open_console();
    for (; *text; text++) {
        if (device->mode == TERMIOS_POLLED) {
            device->write(device_context, text, 1);
            continue;
        }
        __asm__ volatile("cli");
        on_its_way = 1;
        device->write(device_context, text, 1);
        while (on_its_way)
            __asm__ volatile("sti; hlt; cli");
        __asm__ volatile("sti");
    }
}

int standin_console_read(void)
{
    open_console();
    if (device->mode == TERMIOS_POLLED)
        return device->poll_read(device_context);
    return taken_count == received_count ? -1 : received[taken_count++ % sizeof received];
}

static void put_number(uint32_t number, uint32_t base)
{
    if (number >= base)
        put_number(number / base, base);
    BSP_output_char("0123456789abcdef"[number % base]);
}

int printk(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            BSP_output_char(*format);
            continue;
        }
        if (*++format == 'l')
            format++;
        switch (*format) {
        case 'u':
            put_number(va_arg(arguments, uint32_t), 10);
            break;
        case 'x':
            put_number(va_arg(arguments, uint32_t), 16);
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

int fprintf(FILE *file, const char *format, ...)
{
    (void) file, (void) format;
    return 0;
}

/* libgcc's: division of 64 bits */
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);

static uint64_t divide(uint64_t dividend, uint64_t divisor, uint64_t *rest)
{
    uint64_t quotient = 0, remainder = 0;

    for (int bit = 63; bit >= 0; bit--) {
        remainder = remainder << 1 | (dividend >> bit & 1);
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1ull << bit;
        }
    }
    *rest = remainder;
    return quotient;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t rest;

    return divide(dividend, divisor, &rest);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t rest;

    divide(dividend, divisor, &rest);
    return rest;
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
