// SPDX-License-Identifier: Apache-2.0
#if !defined(CONFIGURE_INIT) || !defined(CONFIGURE_RTEMS_INIT_TASKS_TABLE) || CONFIGURE_MAXIMUM_TASKS < 1
#error "RTEMS would refuse this configuration"
#endif

void _Clock_Initialize(void);
rtems_device_driver console_initialize(rtems_device_major_number, rtems_device_minor_number, void *);
void initialization_task(void);

/* In RTEMS's order: the drivers, then the task. */
void initialization_task(void)
{
#ifdef CONFIGURE_APPLICATION_NEEDS_CLOCK_DRIVER
    _Clock_Initialize();
#endif
#ifdef CONFIGURE_APPLICATION_NEEDS_CONSOLE_DRIVER
    console_initialize(0, 0, 0);
#endif
    Init(0);
}
