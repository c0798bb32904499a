// SPDX-License-Identifier: GPL-2.0-only
/*
 * The speed of a port: what is sent or received costs wire time, and a port that is behind makes
 * the sender wait.
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

/* Takes the wire time of @packets with @bytes from Ethernet header to payload in all. */
void dmnic_pace_charge(struct dmnic_pace *pace, u32 speed, u64 bytes, unsigned int packets)
{
	u64 now;

	if (!speed)
		return;
	now = ktime_get_ns();
	bytes = max_t(u64, bytes, packets * ETH_ZLEN) + packets * FRAMING_BYTES;
	spin_lock_bh(&pace->lock);
	if (pace->free_ns + SLACK_NS < now)
		pace->free_ns = now - SLACK_NS;
	WRITE_ONCE(pace->free_ns, pace->free_ns + div_u64(bytes * 8 * 1000, speed));
	spin_unlock_bh(&pace->lock);
}

static enum hrtimer_restart poll_again(struct hrtimer *timer)
{
	napi_schedule(&container_of(timer, struct dmnic_rxq, pacing)->napi);
	return HRTIMER_NORESTART;
}

void dmnic_pace_rx_init(struct dmnic_rxq *q)
{
	hrtimer_init(&q->pacing, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	q->pacing.function = poll_again;
}

static enum hrtimer_restart tx_resume(struct hrtimer *timer)
{
	struct dmnic *nic = container_of(timer, struct dmnic, tx_resume);

	if (netif_running(nic->dev))
		netif_tx_wake_all_queues(nic->dev);
	return HRTIMER_NORESTART;
}

/* Stops sending while the port is behind. */
void dmnic_pace_tx(struct dmnic *nic)
{
	u64 wait = dmnic_pace_wait(&nic->tx_pace, nic->speed);

	if (!wait)
		return;
	netif_tx_stop_all_queues(nic->dev);
	hrtimer_start(&nic->tx_resume, ns_to_ktime(wait), HRTIMER_MODE_REL_SOFT);
}

void dmnic_pace_init(struct dmnic *nic)
{
	spin_lock_init(&nic->rx_pace.lock);
	spin_lock_init(&nic->tx_pace.lock);
	hrtimer_init(&nic->tx_resume, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	nic->tx_resume.function = tx_resume;
}

void dmnic_pace_stop(struct dmnic *nic)
{
	hrtimer_cancel(&nic->tx_resume);
}
