#if !defined(CONFIGURE_INIT) || !defined(CONFIGURE_RTEMS_INIT_TASKS_TABLE) || CONFIGURE_MAXIMUM_TASKS < 1
#error "RTEMS would refuse this configuration"
#endif
#ifndef CONFIGURE_APPLICATION_DOES_NOT_NEED_CLOCK_DRIVER
#error "the clock driver would be linked"
#endif

void initialization_task(void);
void initialization_task(void) { Init(0); }
