// SPDX-License-Identifier: Apache-2.0
/*
 * The first stage of the port of 2016, in RTEMS: PCI. Lists the cell's devices by RTEMS's PCI library; an Intel e1000e is
 * made to interrupt by MSI. Without a device in the cell there is nothing to check, which is said.
 */
#include <inttypes.h>
#include <jailhouse.h>
#include <rtems.h>
#include <rtems/irq-extension.h>
#include <rtems/pci.h>
#include <stdio.h>
#include <stdlib.h>

#define INTEL_82574L 0x10d38086u
#define CAPABILITY_MSI 5

/* Registers of the 82574L: interrupt cause, its setting, masks. */
enum { ICR = 0xc0, ICS = 0xc8, IMS = 0xd0, IMC = 0xd8 };
#define CAUSE_LINK 4u

static unsigned passed, failed, skipped;
static rtems_id task;
static volatile uint32_t *registers;
static volatile unsigned interrupts;

static void check(bool condition, const char *what)
{
    printf("%s %s\n", condition ? "PASS" : "FAIL", what);
    condition ? passed++ : failed++;
}

static void handler(void *argument)
{
    (void) argument;
    interrupts++;
    (void) registers[ICR / 4];
    rtems_event_transient_send(task);
}

/* 0: it has none */
static unsigned char capability(int device, int function, unsigned char wanted)
{
    unsigned char place = 0, id = 0;
    uint32_t status;

    pci_read_config_dword(0, device, function, PCI_COMMAND, &status);
    if (!(status >> 20 & 1))
        return 0;
    pci_read_config_byte(0, device, function, 0x34, &place);
    for (int i = 0; place && i < 48; i++) {
        pci_read_config_byte(0, device, function, place, &id);
        if (id == wanted)
            return place;
        pci_read_config_byte(0, device, function, place + 1, &place);
    }
    return 0;
}

static void check_message(int device, int function)
{
    unsigned char msi = capability(device, function, CAPABILITY_MSI);
    uint32_t base, command, control, address, data, number = jailhouse_interrupt_allocate();

    pci_read_config_dword(0, device, function, PCI_BASE_ADDRESS_0, &base);
    check(msi && (base & ~15u), "the e1000e has MSI and an address");
    if (!msi || !(base & ~15u))
        return;
    registers = (volatile uint32_t *) (uintptr_t) (base & ~15u);
    pci_read_config_dword(0, device, function, PCI_COMMAND, &command);
    pci_write_config_dword(0, device, function, PCI_COMMAND, (command & 0xffff) | 6);
    registers[IMC / 4] = 0xffffffff;
    task = rtems_task_self();
    check(rtems_interrupt_handler_install(number, "e1000e", RTEMS_INTERRUPT_UNIQUE, handler, NULL) == RTEMS_SUCCESSFUL,
        "a handler is installed");
    jailhouse_interrupt_message(number, &address, &data);
    pci_read_config_dword(0, device, function, msi, &control);
    pci_write_config_dword(0, device, function, msi + 4, address);
    pci_write_config_dword(0, device, function, msi + 8, 0);
    pci_write_config_dword(0, device, function, msi + 12, data);
    pci_write_config_dword(0, device, function, msi, (control & ~(7u << 20)) | 1 << 16);
    registers[IMS / 4] = CAUSE_LINK;
    for (int i = 0; i < 3; i++) {
        registers[ICS / 4] = CAUSE_LINK;
        rtems_event_transient_receive(RTEMS_WAIT, rtems_clock_get_ticks_per_second());
    }
    registers[IMC / 4] = 0xffffffff;
    check(interrupts >= 3, "it interrupts by message");
}

static rtems_task Init(rtems_task_argument argument)
{
    int found = 0;

    (void) argument;
    for (int device = 0; device < 32; device++) {
        for (int function = 0; function < 8; function++) {
            uint32_t identifier = 0xffffffff, class = 0, base = 0;

            pci_read_config_dword(0, device, function, PCI_VENDOR_ID, &identifier);
            if (identifier == 0xffffffff || identifier == 0)
                continue;
            pci_read_config_dword(0, device, function, PCI_CLASS_REVISION, &class);
            pci_read_config_dword(0, device, function, PCI_BASE_ADDRESS_0, &base);
            printf("stage-pci: 00:%02x.%d %08" PRIx32 " class %06" PRIx32 " BAR0 %08" PRIx32 "\n", device, function,
                identifier, class >> 8, base);
            found++;
            if (identifier == INTEL_82574L)
                check_message(device, function);
        }
    }
    if (!found) {
        printf("SKIP the cell has no PCI device\n");
        skipped++;
    }
    printf("stage-pci: %u passed, %u failed, %u skipped\n", passed, failed, skipped);
    exit(failed ? 1 : 0);
}

#define CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
#define CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
#define CONFIGURE_MAXIMUM_TASKS 1
#define CONFIGURE_RTEMS_INIT_TASKS_TABLE
#define CONFIGURE_INIT
#include <rtems/confdefs.h>
