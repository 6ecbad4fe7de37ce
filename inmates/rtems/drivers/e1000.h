// SPDX-License-Identifier: Apache-2.0
/*
 * Intel's e1000 and e1000e network cards: frames in and out, nothing of a protocol. Interrupts by MSI where the card has
 * it; else it has to be looked at now and then.
 */
#ifndef E1000_H
#define E1000_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Without the checksum, which the card adds and removes. */
#define E1000_LONGEST_FRAME 1514u

struct e1000;

/*
 * The card at this place (0, 1 …) among the cell's, reset and set up. NULL: there is none, nobody gave its registers an
 * address, or there are more than this driver can have. wake is called with its argument from the interrupt.
 */
struct e1000 *e1000_open(unsigned index, void (*wake)(void *argument), void *argument);

/* Six bytes. */
const uint8_t *e1000_address(const struct e1000 *card);
bool e1000_has_link(const struct e1000 *card);
bool e1000_has_interrupt(const struct e1000 *card);

/*
 * A frame is put together in the buffer that e1000_send_buffer returns (NULL: all are on their way) and goes with
 * e1000_send. One task at a time.
 */
void *e1000_send_buffer(struct e1000 *card);
void e1000_send(struct e1000 *card, size_t length);

/*
 * The oldest frame that came, or NULL; it stays there until e1000_release. *is_whole is false for one that is damaged or
 * longer than a buffer. One task at a time.
 */
const void *e1000_received(struct e1000 *card, size_t *length, bool *is_whole);
void e1000_release(struct e1000 *card);

#endif
