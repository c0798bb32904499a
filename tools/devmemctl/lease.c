// SPDX-License-Identifier: BSD-3-Clause
/* devmemctl lease: who holds which receive queues, as devmemd knows it; ends a lease. */
#include "devmemctl.h"
#include "json_out.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"

enum { OPTION_RELEASE = 256 };

struct view {
	const char *name; /* of the command, for messages */
	const char *socket;
	bool json;
	uint32_t release; /* 0: none */
	int fd;
	json_t *leases;
	struct libscols_table *table;
};

static const char *const titles[] = {"LEASE", "NIC", "QUEUES", "USER", "PROCESS"};

#define COLUMNS (sizeof(titles) / sizeof(titles[0]))
#define CELL 64

static int add_json(struct view *view, const struct broker_reply *reply)
{
	json_t *queues = json_array(), *object;

	for (unsigned int i = 0; i < reply->n_queues; i++)
		json_array_append_new(queues, json_integer(reply->queues[i]));
	object = json_pack("{so ss so si so}", "lease",
			   reply->lease ? json_integer(reply->lease) : json_null(), "nic",
			   reply->nic, "queues", queues, "uid", (int)reply->uid, "pid",
			   reply->pid ? json_integer(reply->pid) : json_null());
	return object ? json_array_append_new(view->leases, object) : -1;
}

static void list_queues(const struct broker_reply *reply, char *text)
{
	size_t used = 0;

	*text = '\0';
	for (unsigned int i = 0; i < reply->n_queues; i++)
		used += (size_t)snprintf(text + used, CELL - used, "%s%u", i ? "," : "",
					 (unsigned int)reply->queues[i]);
}

/* A lease of before the broker's start has no number and no known process. */
static int add_line(struct view *view, const struct broker_reply *reply)
{
	struct libscols_line *line = scols_table_new_line(view->table, NULL);
	char cells[COLUMNS][CELL];

	if (!line)
		return -1;
	snprintf(cells[0], CELL, reply->lease ? "%u" : "-", reply->lease);
	snprintf(cells[1], CELL, "%s", reply->nic);
	list_queues(reply, cells[2]);
	snprintf(cells[3], CELL, "%u", reply->uid);
	snprintf(cells[4], CELL, reply->pid ? "%u" : "-", reply->pid);
	for (size_t i = 0; i < COLUMNS; i++)
		if (scols_line_set_data(line, i, cells[i]))
			return -1;
	return 0;
}

static int start(struct view *view)
{
	if (view->json) {
		view->leases = json_array();
		return view->leases ? 0 : -1;
	}
	scols_init_debug(0);
	view->table = scols_new_table();
	if (!view->table)
		return -1;
	for (size_t i = 0; i < COLUMNS; i++)
		if (!scols_table_new_column(view->table, titles[i], 0.1, 0))
			return -1;
	return 0;
}

static int print(struct view *view)
{
	if (!view->json)
		return scols_print_table(view->table);
	return json_out(stdout, json_pack("{sO}", "leases", view->leases), false);
}

static int list(struct view *view, struct devmem_error *err)
{
	struct broker_request request = {.type = BROKER_LIST};
	struct broker_reply reply = {0};
	int ret = start(view);

	while (!ret) {
		ret = broker_ask(view->fd, &request, &reply, err);
		if (ret == -ENOENT)
			return print(view) || fflush(stdout)
				       ? devmem_error_set(err, -EIO, "cannot print the list: %s",
							  strerror(errno))
				       : 0;
		if (!ret && (view->json ? add_json : add_line)(view, &reply))
			ret = devmem_error_set(err, -ENOMEM, "out of memory");
		request.index++;
	}
	return ret;
}

static int release(struct view *view, struct devmem_error *err)
{
	struct broker_request request = {.type = BROKER_RELEASE, .lease = view->release};
	struct broker_reply reply;

	return broker_ask(view->fd, &request, &reply, err);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct view *view = state->input;
	unsigned long id;
	char *end;

	switch (key) {
	case 'j':
		view->json = true;
		return 0;
	case 's':
		view->socket = arg;
		return 0;
	case OPTION_RELEASE:
		id = strtoul(arg, &end, 10);
		if (*end || !id || id > UINT32_MAX)
			argp_error(state, "--release takes a number of the list, not '%s'", arg);
		view->release = (uint32_t)id;
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_lease(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', 0, 0, "Print JSON", 0},
		{"socket", 's', "PATH", 0,
		 "Where devmemd serves (default NCCL_DEVMEM_BROKER, if that is a path, "
		 "else " BROKER_SOCKET ")",
		 0},
		{"release", OPTION_RELEASE, "LEASE", 0,
		 "End a lease of this user's, or as root anybody's, instead: its traffic goes by "
		 "host memory from then on",
		 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Shows who holds receive queues, as devmemd knows it: its own leases, and "
		       "those of processes that need no broker.\v"
		       "Exit status: 0; 2 when devmemd does not answer, or refuses.",
	};
	const char *where = getenv("NCCL_DEVMEM_BROKER"); /* as the plugin reads it */
	struct view view = {.name = argv[0],
			    .socket = where && *where == '/' ? where : BROKER_SOCKET};
	struct devmem_error err = {0};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &view);
	view.fd = ret = broker_connect(view.socket, &err);
	if (ret >= 0) {
		ret = view.release ? release(&view, &err) : list(&view, &err);
		close(view.fd);
	}
	if (ret)
		fprintf(stderr, "%s: %s\n", view.name, err.text);
	scols_unref_table(view.table);
	json_decref(view.leases);
	return ret ? EXIT_BROKEN : EXIT_GOOD;
}
