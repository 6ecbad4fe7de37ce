void bsp_start(void);
void rtems_irq_mngt_init(void);
