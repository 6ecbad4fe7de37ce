/* Stands in for RTEMS and its board support: a multiboot program that runs the application's one task. */
#include <rtems.h>
#include <rtems/bspIo.h>

#include <bsp.h>
#include <bsp/bspimpl.h>
#include <libcpu/cpuModel.h>
#include <stdarg.h>

void initialization_task(void);

__asm__(".section .text.entry, \"ax\"\n"
        ".balign 4\n"
        ".long 0x1badb002, 0, -0x1badb002\n"
        ".globl entry\n"
        "entry:\n"
        "cmpl $0x2badb002, %eax\n"
        "jne 1f\n"
        "movl $stack + 0x4000, %esp\n"
        "call bsp_start\n"
        "call initialization_task\n"
        "1: cli\n"
        "hlt\n"
        "jmp 1b\n"
        ".bss\n"
        ".balign 16\n"
        "stack: .skip 0x4000\n"
        ".text\n");

static void put(char c)
{
    uint8_t status;

    do
        __asm__ volatile("inb %1, %0" : "=a"(status) : "d"((uint16_t) 0x3fd));
    while (!(status & 0x20));
    __asm__ volatile("outb %0, %1" : : "a"(c), "d"((uint16_t) 0x3f8));
}

static void put_number(uint32_t number, uint32_t base)
{
    if (number >= base)
        put_number(number / base, base);
    put("0123456789abcdef"[number % base]);
}

int printk(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 'u':
            put_number(va_arg(arguments, uint32_t), 10);
            break;
        case 'p':
            put('0');
            put('x');
            /* fall through */
        case 'x':
            put_number(va_arg(arguments, uint32_t), 16);
            break;
        }
    }
    va_end(arguments);
    return 0;
}

/* As the real ones do, these touch the interrupt controllers 8259A. */
void rtems_irq_mngt_init(void)
{
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t) 0xfb), "d"((uint16_t) 0x21));
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t) 0xff), "d"((uint16_t) 0xa1));
}

void rtems_exception_init_mngt(void) {}
void legacy_uart_probe(void) {}
void pc386_parse_console_arguments(void) {}

rtems_status_code rtems_task_wake_after(rtems_interval ticks)
{
    (void) ticks;
    return 0;
}
