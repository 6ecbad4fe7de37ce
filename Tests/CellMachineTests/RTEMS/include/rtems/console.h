#define CONSOLE_DEVICE_NAME "/dev/console"
