// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#define PCIBIOS_SUCCESSFUL 0
typedef struct {
    int (*read_config_byte)(unsigned char, unsigned char, unsigned char, unsigned char, unsigned char *);
    int (*read_config_word)(unsigned char, unsigned char, unsigned char, unsigned char, unsigned short *);
    int (*read_config_dword)(unsigned char, unsigned char, unsigned char, unsigned char, uint32_t *);
    int (*write_config_byte)(unsigned char, unsigned char, unsigned char, unsigned char, unsigned char);
    int (*write_config_word)(unsigned char, unsigned char, unsigned char, unsigned char, unsigned short);
    int (*write_config_dword)(unsigned char, unsigned char, unsigned char, unsigned char, uint32_t);
} pci_config_access_functions;
typedef struct {
    volatile unsigned char *pci_config_addr;
    volatile unsigned char *pci_config_data;
    const pci_config_access_functions *pci_functions;
} rtems_pci_config_t;
extern rtems_pci_config_t BSP_pci_configuration;
static inline int pci_read_config_dword(
    unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset, uint32_t *value)
{
    return BSP_pci_configuration.pci_functions->read_config_dword(bus, slot, function, offset, value);
}
static inline int pci_write_config_dword(
    unsigned char bus, unsigned char slot, unsigned char function, unsigned char offset, uint32_t value)
{
    return BSP_pci_configuration.pci_functions->write_config_dword(bus, slot, function, offset, value);
}
