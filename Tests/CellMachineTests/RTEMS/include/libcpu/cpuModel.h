void rtems_exception_init_mngt(void);
