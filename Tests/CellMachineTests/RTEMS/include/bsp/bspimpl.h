void legacy_uart_probe(void);
void pc386_parse_console_arguments(void);
