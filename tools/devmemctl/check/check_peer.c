// SPDX-License-Identifier: BSD-3-Clause
/* Moves data between this machine and a peer in steps, each with more of device memory, and tells
 * what each costs. */
#include "check.h"
#include "devmemctl.h"
#include "json_out.h"
#include "peer_step.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEPS 3
#define SSH "ssh -o BatchMode=yes -o ConnectTimeout=10"

static const char *const names[STEPS] = {
	"plain TCP",
	"received to device memory",
	"sent from device memory, too",
};

/* The address that this machine reaches @host from, as the peer may use it. */
static int own_address(const char *host, char *text, size_t room)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	int fd, ret = -1;

	if (getaddrinfo(host, "9", &hints, &found))
		return -1;
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, found->ai_addr, found->ai_addrlen) &&
	    !getsockname(fd, (struct sockaddr *)&own, &length))
		ret = getnameinfo((struct sockaddr *)&own, length, text, (socklen_t)room, NULL, 0,
				  NI_NUMERICHOST);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(found);
	return ret;
}

/* The speed of the NIC with that address; 0: not known. */
static unsigned int speed_of(const struct facts *facts, const char *address)
{
	char text[NI_MAXHOST];

	for (unsigned int i = 0; i < facts->n_nics; i++) {
		const struct sockaddr_storage *addr = &facts->nics[i].nic.addr;
		socklen_t length = addr->ss_family == AF_INET ? sizeof(struct sockaddr_in)
							      : sizeof(struct sockaddr_in6);

		if (!getnameinfo((const struct sockaddr *)addr, length, text, sizeof(text), NULL, 0,
				 NI_NUMERICHOST) &&
		    !strcmp(text, address))
			return facts->nics[i].nic.speed_mbps;
	}
	return 0;
}

static void print_step(const struct peer_step *step, const char *name, double before)
{
	printf("%-10s %-29s %9.1f MB/s", step->to_peer ? "to peer" : "from peer", name,
	       step->mb_per_s);
	if (before > 0)
		printf(" %+6.1f %%", (step->mb_per_s / before - 1) * 100);
	else
		printf("         ");
	printf("  %" PRIu64 " bytes in device memory, %" PRIu64 " linear, %" PRIu64
	       " plain; sent from device memory %" PRIu64 "\n",
	       step->rx_device, step->rx_linear, step->rx_plain, step->tx_device);
	fflush(stdout);
}

static json_t *step_json(const struct peer_step *step, const char *name, double before)
{
	return json_pack("{ss sb sf so sI sI sI sI}", "step", name, "to_peer", step->to_peer,
			 "mb_per_s", step->mb_per_s, "change",
			 before > 0 ? json_real(step->mb_per_s / before - 1) : json_null(),
			 "rx_device", (json_int_t)step->rx_device, "rx_linear",
			 (json_int_t)step->rx_linear, "rx_plain", (json_int_t)step->rx_plain,
			 "tx_device", (json_int_t)step->tx_device);
}

/* The steps of one direction. The first is compared with the NIC's speed, each other with the one
 * before. */
static int run_direction(const struct facts *facts, const struct peer_options *options,
			 const char *own, bool to_peer, json_t *list)
{
	enum devmem_mem_kind kind = facts->memory.usable ? facts->memory.kind : DEVMEM_MEM_HOST;
	double before = speed_of(facts, own) / 8.0;
	struct devmem_error err;

	for (int i = 0; i < STEPS; i++) {
		struct peer_step step = {.to_peer = to_peer,
					 .receive_memory = i > 0 ? kind : DEVMEM_MEM_HOST,
					 .send_memory = i > 1 ? kind : DEVMEM_MEM_HOST};

		if (i && kind == DEVMEM_MEM_HOST)
			break;
		if (peer_step_run(&step, options, own, facts->tools, &err)) {
			fprintf(stderr, "devmemctl check: %s\n", err.text);
			return -1;
		}
		if (options->json)
			json_array_append_new(list, step_json(&step, names[i], before));
		else
			print_step(&step, names[i], before);
		before = step.mb_per_s;
	}
	return 0;
}

int check_peer(const struct facts *facts, const struct peer_options *given)
{
	struct peer_options options = *given;
	char own[NI_MAXHOST], remote[FACTS_PATH + 16];
	json_t *list = json_array();
	int failed;

	snprintf(remote, sizeof(remote), "%sdevmemcat", facts->tools);
	options.remote = given->remote ? given->remote : remote;
	options.address = given->address ? given->address : given->host;
	options.rsh = given->rsh ? given->rsh : SSH;
	if (own_address(options.address, own, sizeof(own))) {
		fprintf(stderr,
			"devmemctl check: no route to '%s': give the address of its NIC "
			"with --address\n",
			options.address);
		json_decref(list);
		return EXIT_BROKEN;
	}
	if (!facts->memory.usable || facts->memory.kind == DEVMEM_MEM_HOST)
		fprintf(stderr, "devmemctl check: plain TCP only, since there is no device memory "
				"here: devmemctl check without --peer tells why\n");
	srandom((unsigned int)time(NULL) ^ (unsigned int)getpid());
	failed = run_direction(facts, &options, own, true, list) ||
		 run_direction(facts, &options, own, false, list);
	if (options.json && json_out(stdout, json_pack("{sO}", "steps", list), false))
		failed = true;
	json_decref(list);
	return failed ? EXIT_BROKEN : EXIT_GOOD;
}
