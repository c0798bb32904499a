// SPDX-License-Identifier: GPL-2.0-only
/*
 * The speed of a port: what is sent or received costs wire time, and a port that is behind makes
 * the sender wait. When it is free again its queues take turns, so that no queue keeps another's
 * packets, pure ACKs among them, from the wire.
 *
 * A frame takes its bytes and those of framing: preamble and start delimiter, check sequence, the
 * least gap (IEEE 802.3). So payload can reach exactly the share of line rate that it can on real
 * Ethernet.
 */
#include <linux/if_ether.h>

#include "dmnic.h"

#define FRAMING_BYTES (8 + ETH_FCS_LEN + 12)
/* A timer that comes late does not cost line rate: this much idle time may be made good. */
#define SLACK_NS (500 * NSEC_PER_USEC)

/* Nanoseconds until the port is free, 0: now. */
u64 dmnic_pace_wait(struct dmnic_pace *pace, u32 speed)
{
	u64 now, free_ns;

	if (!speed)
		return 0;
	now = ktime_get_ns();
	free_ns = READ_ONCE(pace->free_ns);
	return free_ns > now ? free_ns - now : 0;
}

/* Takes the wire time of @packets with @bytes from Ethernet header to payload in all, of @queue. */
void dmnic_pace_charge(struct dmnic_pace *pace, u32 speed, unsigned int queue, u64 bytes,
		       unsigned int packets)
{
	u64 now, slack = SLACK_NS + READ_ONCE(pace->usecs) * NSEC_PER_USEC;

	if (!speed)
		return;
	now = ktime_get_ns();
	bytes = max_t(u64, bytes, packets * ETH_ZLEN) + packets * FRAMING_BYTES;
	spin_lock_bh(&pace->lock);
	if (pace->free_ns + slack < now)
		pace->free_ns = now - slack;
	WRITE_ONCE(pace->free_ns, pace->free_ns + div_u64(bytes * 8 * 1000, speed));
	WRITE_ONCE(pace->turn, queue + 1);
	spin_unlock_bh(&pace->lock);
}

/* Lets the queues go on when the port is free, in @wait nanoseconds, or a little later. */
static void resume_in(struct dmnic_pace *pace, u64 wait)
{
	wait += READ_ONCE(pace->usecs) * NSEC_PER_USEC;
	hrtimer_start(&pace->resume, ns_to_ktime(wait), HRTIMER_MODE_REL_SOFT);
}

/* The queues run in the order in which they are scheduled, and the first that has something takes
 * the port again.
 */
static enum hrtimer_restart rx_resume(struct hrtimer *timer)
{
	struct dmnic *nic = container_of(timer, struct dmnic, rx_pace.resume);
	unsigned int i, n = nic->dev->num_rx_queues, turn = READ_ONCE(nic->rx_pace.turn);

	for (i = 0; i < n; i++) {
		struct dmnic_rxq *q = &nic->rxq[(turn + i) % n];

		if (READ_ONCE(q->paced) && xchg(&q->paced, false))
			napi_schedule(&q->napi);
	}
	return HRTIMER_NORESTART;
}

/* Polls @q again when the port is free. */
void dmnic_pace_rx(struct dmnic_rxq *q, u64 wait)
{
	struct dmnic *nic = netdev_priv(q->dev);

	WRITE_ONCE(q->paced, true);
	resume_in(&nic->rx_pace, wait);
}

static enum hrtimer_restart tx_resume(struct hrtimer *timer)
{
	struct dmnic *nic = container_of(timer, struct dmnic, tx_pace.resume);
	unsigned int i, n = nic->dev->num_tx_queues, turn = READ_ONCE(nic->tx_pace.turn);

	for (i = 0; netif_running(nic->dev) && i < n; i++)
		netif_tx_wake_queue(netdev_get_tx_queue(nic->dev, (turn + i) % n));
	return HRTIMER_NORESTART;
}

/* Stops sending while the port is behind. */
void dmnic_pace_tx(struct dmnic *nic)
{
	u64 wait = dmnic_pace_wait(&nic->tx_pace, nic->speed);

	if (!wait)
		return;
	netif_tx_stop_all_queues(nic->dev);
	resume_in(&nic->tx_pace, wait);
}

static void pace_init(struct dmnic_pace *pace, enum hrtimer_restart (*resume)(struct hrtimer *))
{
	spin_lock_init(&pace->lock);
	hrtimer_init(&pace->resume, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	pace->resume.function = resume;
}

void dmnic_pace_init(struct dmnic *nic)
{
	pace_init(&nic->rx_pace, rx_resume);
	pace_init(&nic->tx_pace, tx_resume);
}

void dmnic_pace_stop(struct dmnic *nic)
{
	hrtimer_cancel(&nic->rx_pace.resume);
	hrtimer_cancel(&nic->tx_pace.resume);
}
