// SPDX-License-Identifier: BSD-3-Clause
/* Reads the counters that processes with the plugin write to the folder of NCCL_DEVMEM_METRICS. */
#include "status.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES 16384 /* a file has a tenth of it */

static bool alive(pid_t pid)
{
	return !kill(pid, 0) || errno == EPERM;
}

static int read_counters(const char *path, struct stat_totals *totals)
{
	char text[FILE_BYTES];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return stat_parse(text, totals);
}

/* A file that is none of the plugin's, or goes away meanwhile, is left out. */
static int add_process(const char *metrics, const char *name, struct status *status)
{
	struct status_process *process;
	struct stat_totals totals;
	char path[FACTS_PATH], end;
	int pid;

	if (sscanf(name, "devmem-%d.pro%c", &pid, &end) != 2 || pid <= 0 ||
	    snprintf(path, sizeof(path), "%s/%s", metrics, name) >= (int)sizeof(path) ||
	    read_counters(path, &totals))
		return 0;
	process = status_add((void **)&status->processes, &status->n_processes, sizeof(*process));
	if (!process)
		return -ENOMEM;
	*process = (struct status_process){.pid = pid, .alive = alive(pid), .totals = totals};
	return 0;
}

int status_processes(const char *metrics, struct status *status)
{
	DIR *folder = metrics ? opendir(metrics) : NULL;
	struct dirent *entry;
	int ret = 0;

	while (!ret && folder && (entry = readdir(folder)))
		ret = add_process(metrics, entry->d_name, status);
	if (folder)
		closedir(folder);
	return ret;
}
