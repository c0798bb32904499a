// SPDX-License-Identifier: BSD-3-Clause
/* Reads the counters that processes with the plugin write to the folder of NCCL_DEVMEM_METRICS. */
#include "status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES 16384 /* a file has a tenth of it */

/* Anybody may write to the folder of some machines: what is no file is not waited for. */
static int read_counters(const char *path, struct stat_totals *totals, struct stat *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[FILE_BYTES];
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, file) && S_ISREG(file->st_mode) && file->st_size < FILE_BYTES)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -EPROTO;
	text[n] = '\0';
	return stat_parse(text, totals);
}

static double age_of(const struct stat *file)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)(now.tv_sec - file->st_mtim.tv_sec) +
	       (double)(now.tv_nsec - file->st_mtim.tv_nsec) / 1e9;
}

/* A file that is none of the plugin's, or goes away meanwhile, is left out. */
static int add_process(const char *metrics, const char *name, struct status *status)
{
	struct status_process *process;
	struct stat_totals totals;
	struct stat file;
	char path[FACTS_PATH], end;
	int pid;

	if (sscanf(name, "devmem-%d.pro%c", &pid, &end) != 2 || pid <= 0 ||
	    snprintf(path, sizeof(path), "%s/%s", metrics, name) >= (int)sizeof(path) ||
	    read_counters(path, &totals, &file))
		return 0;
	process = status_add((void **)&status->processes, &status->n_processes, sizeof(*process));
	if (!process)
		return -ENOMEM;
	*process = (struct status_process){.pid = pid,
					   .alive = status_alive(pid, file.st_mtim),
					   .age_s = age_of(&file),
					   .totals = totals};
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
