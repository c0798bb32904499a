// SPDX-License-Identifier: BSD-3-Clause
/* The model's network link: how long a message keeps a channel busy, and what of the line is
 * payload. */
#include <math.h>

#include "scale.h"

#define HEADER_BYTES 52u /* IPv4 20, TCP with timestamps 32 */
#define FRAME_BYTES 38u	 /* Ethernet 14, check sequence 4, preamble 8, gap 12 */

double scale_payload_share(unsigned int mtu)
{
	return mtu > HEADER_BYTES ? (double)(mtu - HEADER_BYTES) / (mtu + FRAME_BYTES) : 0;
}

double scale_possible_bytes_s(const struct scale_system *system)
{
	return system->nics * system->line_bytes_s * scale_payload_share(system->mtu);
}

/* Channels of a NIC share its line, and one thread of one rank moves them in turns. */
double scale_busy_s(const struct scale_system *system, double bytes)
{
	double wire = bytes / (system->line_bytes_s * scale_payload_share(system->mtu));
	double rank = system->costs.message_s + system->costs.byte_s * bytes;

	return ceil((double)system->channels / system->nics) * fmax(wire, rank);
}

double scale_wait_s(double busy, double turn, unsigned long n, unsigned int in_flight)
{
	double stall = fmax(0, turn - in_flight * busy);

	return (double)n * busy + (double)(n / in_flight) * stall;
}

double scale_busbw(const struct scale_system *system, double bytes, double seconds)
{
	double ranks = (double)system->hosts * system->gpus;

	return seconds > 0 ? bytes / seconds * 2 * (ranks - 1) / ranks : 0;
}
