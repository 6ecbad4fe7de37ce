/*
 * What the pc386 BSPs do at their start, as far as a cell lets them. The BSP's own bsp_start is weak, so this one takes
 * its place. It leaves out the clock: its set-up programs the 8254, and counts one of its seconds to measure the
 * processor; in a cell those ports end the program or, granted, count Linux's time or nothing.
 *
 * It leaves out the scan of the PCI bus for serial ports as well, and with that PCI. Add what you need.
 */
#include <bsp.h>
#include <bsp/bspimpl.h>
#include <bsp/irq.h>
#include <libcpu/cpuModel.h>

void bsp_start(void)
{
    rtems_irq_mngt_init();
    rtems_exception_init_mngt();
    legacy_uart_probe();
    pc386_parse_console_arguments();
}
