// SPDX-License-Identifier: Apache-2.0
#define CONSOLE_DEVICE_NAME "/dev/console"
