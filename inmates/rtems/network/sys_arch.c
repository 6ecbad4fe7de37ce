// SPDX-License-Identifier: Apache-2.0
/* What lwIP calls of its operating system: semaphores, mutexes, mailboxes, threads, time. */
#include <lwip/err.h>
#include <lwip/sys.h>
#include <rtems.h>

static rtems_recursive_mutex protection = RTEMS_RECURSIVE_MUTEX_INITIALIZER("lwIP");

void sys_init(void)
{
}

u32_t sys_now(void)
{
    return (u32_t) (rtems_clock_get_uptime_nanoseconds() / 1000000);
}

/* At least so long; a started tick is no whole one. */
static rtems_interval ticks(u32_t milliseconds)
{
    return (rtems_interval) ((uint64_t) milliseconds * rtems_clock_get_ticks_per_second() / 1000) + 1;
}

void sys_sleep(unsigned milliseconds)
{
    rtems_task_wake_after(ticks(milliseconds));
}

sys_prot_t sys_arch_protect(void)
{
    rtems_recursive_mutex_lock(&protection);
    return 0;
}

void sys_arch_unprotect(sys_prot_t unused)
{
    LWIP_UNUSED_ARG(unused);
    rtems_recursive_mutex_unlock(&protection);
}

/* MARK: semaphores, mutexes */

err_t sys_sem_new(sys_sem_t *semaphore, u8_t count)
{
    rtems_counting_semaphore_init(&semaphore->semaphore, "lwIP", count);
    semaphore->is_valid = true;
    return ERR_OK;
}

void sys_sem_free(sys_sem_t *semaphore)
{
    rtems_counting_semaphore_destroy(&semaphore->semaphore);
}

void sys_sem_signal(sys_sem_t *semaphore)
{
    rtems_counting_semaphore_post(&semaphore->semaphore);
}

/* In lwIP's interface 0 milliseconds are without a limit. */
static bool wait(rtems_counting_semaphore *semaphore, u32_t milliseconds)
{
    if (milliseconds)
        return rtems_counting_semaphore_wait_timed_ticks(semaphore, ticks(milliseconds)) == 0;
    rtems_counting_semaphore_wait(semaphore);
    return true;
}

u32_t sys_arch_sem_wait(sys_sem_t *semaphore, u32_t milliseconds)
{
    return wait(&semaphore->semaphore, milliseconds) ? 0 : SYS_ARCH_TIMEOUT;
}

err_t sys_mutex_new(sys_mutex_t *mutex)
{
    rtems_mutex_init(&mutex->mutex, "lwIP");
    mutex->is_valid = true;
    return ERR_OK;
}

void sys_mutex_free(sys_mutex_t *mutex)
{
    rtems_mutex_destroy(&mutex->mutex);
}

void sys_mutex_lock(sys_mutex_t *mutex)
{
    rtems_mutex_lock(&mutex->mutex);
}

void sys_mutex_unlock(sys_mutex_t *mutex)
{
    rtems_mutex_unlock(&mutex->mutex);
}

/* MARK: mailboxes */

err_t sys_mbox_new(sys_mbox_t *mailbox, int size)
{
    if (size > SYS_MAILBOX_MOST)
        return ERR_MEM;
    mailbox->first = mailbox->count = 0;
    mailbox->size = size > 0 ? (unsigned) size : SYS_MAILBOX_MOST;
    rtems_mutex_init(&mailbox->mutex, "lwIP mailbox");
    rtems_counting_semaphore_init(&mailbox->filled, "lwIP messages", 0);
    rtems_counting_semaphore_init(&mailbox->free, "lwIP places", mailbox->size);
    mailbox->is_valid = true;
    return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *mailbox)
{
    rtems_mutex_destroy(&mailbox->mutex);
    rtems_counting_semaphore_destroy(&mailbox->filled);
    rtems_counting_semaphore_destroy(&mailbox->free);
}

/* A place for it is the caller's. */
static void put(sys_mbox_t *mailbox, void *message)
{
    rtems_mutex_lock(&mailbox->mutex);
    mailbox->messages[(mailbox->first + mailbox->count++) % mailbox->size] = message;
    rtems_mutex_unlock(&mailbox->mutex);
    rtems_counting_semaphore_post(&mailbox->filled);
}

static void take(sys_mbox_t *mailbox, void **message)
{
    void *first;

    rtems_mutex_lock(&mailbox->mutex);
    first = mailbox->messages[mailbox->first];
    mailbox->first = (mailbox->first + 1) % mailbox->size;
    mailbox->count--;
    rtems_mutex_unlock(&mailbox->mutex);
    rtems_counting_semaphore_post(&mailbox->free);
    if (message)
        *message = first;
}

void sys_mbox_post(sys_mbox_t *mailbox, void *message)
{
    rtems_counting_semaphore_wait(&mailbox->free);
    put(mailbox, message);
}

err_t sys_mbox_trypost(sys_mbox_t *mailbox, void *message)
{
    if (rtems_counting_semaphore_try_wait(&mailbox->free) != 0)
        return ERR_MEM;
    put(mailbox, message);
    return ERR_OK;
}

err_t sys_mbox_trypost_fromisr(sys_mbox_t *mailbox, void *message)
{
    LWIP_UNUSED_ARG(mailbox);
    LWIP_UNUSED_ARG(message);
    return ERR_MEM; /* the mutex is a task's: an interrupt wakes a task instead */
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mailbox, void **message, u32_t milliseconds)
{
    if (!wait(&mailbox->filled, milliseconds))
        return SYS_ARCH_TIMEOUT;
    take(mailbox, message);
    return 0;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mailbox, void **message)
{
    if (rtems_counting_semaphore_try_wait(&mailbox->filled) != 0)
        return SYS_MBOX_EMPTY;
    take(mailbox, message);
    return 0;
}

/* MARK: threads */

struct beginning {
    lwip_thread_fn function;
    void *argument;
};

static rtems_task begin(rtems_task_argument argument)
{
    struct beginning *given = (struct beginning *) argument, beginning = *given;

    free(given);
    beginning.function(beginning.argument);
    rtems_task_exit();
}

/* The priority is RTEMS's: 1 is the highest. */
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn function, void *argument, int stack, int priority)
{
    struct beginning *beginning = malloc(sizeof *beginning);
    char letters[4] = "    ";
    rtems_id task;

    LWIP_ASSERT("memory for a thread", beginning != NULL);
    beginning->function = function;
    beginning->argument = argument;
    for (unsigned i = 0; i < sizeof letters && name && name[i]; i++)
        letters[i] = name[i];
    if (rtems_task_create(rtems_build_name(letters[0], letters[1], letters[2], letters[3]), (rtems_task_priority) priority,
            (size_t) stack, RTEMS_DEFAULT_MODES, RTEMS_FLOATING_POINT, &task)
        != RTEMS_SUCCESSFUL)
        LWIP_PLATFORM_ASSERT("no task left: CONFIGURE_MAXIMUM_TASKS");
    if (rtems_task_start(task, begin, (rtems_task_argument) beginning) != RTEMS_SUCCESSFUL)
        LWIP_PLATFORM_ASSERT("a task that does not start");
    return task;
}
