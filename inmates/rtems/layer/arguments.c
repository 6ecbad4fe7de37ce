// SPDX-License-Identifier: Apache-2.0
/* The command line: words NAME=VALUE, separated by spaces or commas. For both architectures. */
#include "arguments.h"

#include <jailhouse.h>

#ifdef __aarch64__
/* Given by the linker's --defsym, for a program that is to have one: where the definition writes it. */
extern const char jailhouse_command_line[] __attribute__((weak));

static const char *command_line(void)
{
    return jailhouse_command_line ? jailhouse_command_line : "";
}
#else
/* start.o's copy of the multiboot loader's */
extern const char _boot_multiboot_cmdline[];

static const char *command_line(void)
{
    return _boot_multiboot_cmdline;
}
#endif

static bool ends(char c)
{
    return c == 0 || c == ' ' || c == ',';
}

static const char *find(const char *name)
{
    const char *at = command_line();

    while (*at) {
        const char *wanted = name;
        while (*wanted && *at == *wanted)
            at++, wanted++;
        if (!*wanted && *at == '=')
            return at + 1;
        while (!ends(*at))
            at++;
        while (*at && ends(*at))
            at++;
    }
    return 0;
}

bool jailhouse_argument(const char *name, char *buffer, unsigned size)
{
    const char *value = find(name);

    if (!value || !size)
        return false;
    for (; size > 1 && !ends(*value); size--)
        *buffer++ = *value++;
    *buffer = 0;
    return true;
}

bool layer_argument_number(const char *name, uint32_t *value)
{
    const char *text = find(name);
    uint32_t base = 10, number = 0;

    if (!text)
        return false;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (ends(*text))
        return false;
    for (; !ends(*text); text++) {
        uint32_t digit = *text >= '0' && *text <= '9' ? (uint32_t) (*text - '0')
            : *text >= 'a' && *text <= 'f'            ? (uint32_t) (*text - 'a') + 10
                                                      : 99;
        if (digit >= base)
            return false;
        number = number * base + digit;
    }
    *value = number;
    return true;
}
