// SPDX-License-Identifier: BSD-3-Clause
/* What this machine can do at most: bytes copied in memory, and 8 bytes handed to another process. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "percentile.h"

#define RUNS 9		    /* of which the median is told */
#define COPY (16u << 20)    /* more than caches hold */
#define HANDOVERS 2000

static double copy_gbs(void)
{
	char *from = malloc(COPY), *to = malloc(COPY);
	double gbs[RUNS];

	if (!from || !to) {
		fprintf(stderr, "limits: no memory for two buffers of %u bytes\n", COPY);
		exit(EXIT_FAILURE);
	}
	memset(from, 1, COPY);
	memset(to, 0, COPY);
	for (int i = 0; i < RUNS; i++) {
		uint64_t begin = clock_ns();

		memcpy(to, from, COPY);
		/* The compiler may not leave out a copy that nobody reads. */
		__asm__ volatile("" : : "r"(to) : "memory");
		gbs[i] = (double)COPY / (double)(clock_ns() - begin);
	}
	free(from);
	free(to);
	return median(gbs, RUNS);
}

/* 8 bytes from one pipe to the other until it ends. */
static void echo(int from, int to)
{
	char word[8];

	while (read(from, word, sizeof(word)) == sizeof(word))
		if (write(to, word, sizeof(word)) != sizeof(word))
			break;
	_exit(EXIT_SUCCESS);
}

static void give_up(const char *what)
{
	fprintf(stderr, "limits: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static double half_trip(int to, int from)
{
	char word[8] = {0};
	uint64_t begin = clock_ns();

	if (write(to, word, sizeof(word)) != sizeof(word) ||
	    read(from, word, sizeof(word)) != sizeof(word))
		give_up("a pipe to a child process");
	return (double)(clock_ns() - begin) / 2e3;
}

static double handover_us(void)
{
	static double us[HANDOVERS];
	int there[2], back[2];
	pid_t child;

	if (pipe(there) || pipe(back))
		give_up("pipe");
	child = fork();
	if (child < 0)
		give_up("fork");
	if (!child) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	for (int i = 0; i < HANDOVERS; i++)
		us[i] = half_trip(there[1], back[0]);
	close(there[1]);
	waitpid(child, NULL, 0);
	return median(us, HANDOVERS);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **path = state->input;

	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*path = arg;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', "FILE", 0, "Also write the results there", 0}, {0}};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What one processor of this machine can do at most: memory that it copies, "
		       "and the time in which it hands 8 bytes to another process by a pipe."};
	const char *path = NULL;
	double gbs, us;

	argp_parse(&argp, argc, argv, 0, NULL, &path);
	gbs = copy_gbs();
	us = handover_us();
	printf("copies: %.2f GB/s; 8 bytes to another process: %.2f microseconds\n", gbs, us);
	if (path &&
	    json_dump_file(json_pack("{s:f, s:f}", "memcpy_gbs", gbs, "handover_us", us), path,
			   JSON_INDENT(1))) {
		errno = errno ? errno : EIO;
		give_up(path);
	}
	return EXIT_SUCCESS;
}
