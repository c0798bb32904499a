// SPDX-License-Identifier: BSD-3-Clause
/* Runs a devmemcat that receives and one that sends, and reads what both tell. */
#include "peer_step.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMAND 1024
#define FIRST_PORT 20000 /* below those that the kernel gives away */
#define PORTS 8000
#define TRIES 100 /* to connect, while the receiver starts */
#define PAUSE_MS 200

extern char **environ;

struct side {
	char command[COMMAND];
	pid_t pid; /* 0: not running */
	int output;
};

static void wait_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* One command line for the shell, here or there. devmemcat closes its standard output when there
 * can be no more of it. */
static void compose(struct side *side, const struct peer_options *options, const char *tools,
		    bool there, const char *arguments)
{
	if (there)
		snprintf(side->command, COMMAND, "exec %s %s '%s %s 3>&1'", options->rsh,
			 options->host, options->remote, arguments);
	else
		snprintf(side->command, COMMAND, "exec %sdevmemcat %s 3>&1", tools, arguments);
}

static int start(struct side *side)
{
	char *argv[] = {"sh", "-c", side->command, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], ret;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	ret = posix_spawn(&side->pid, "/bin/sh", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	side->output = ends[0];
	if (!ret)
		return 0;
	close(ends[0]);
	side->pid = 0;
	return -ret;
}

/* Reads the object that the program prints at its end, and waits for that. The exit status, or -1
 * for a signal. */
static int finish(struct side *side, json_t **told)
{
	FILE *output = fdopen(side->output, "r");
	int status;

	*told = output ? json_loadf(output, 0, NULL) : NULL;
	if (output)
		fclose(output);
	else
		close(side->output);
	waitpid(side->pid, &status, 0);
	side->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stop(struct side *side)
{
	json_t *told;

	if (!side->pid)
		return;
	kill(side->pid, SIGTERM);
	(void)finish(side, &told);
	json_decref(told);
}

static bool running(const struct side *side)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)side->pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

/* Until the receiver listens, the sender is refused at once. A receiver that has ended tells why
 * itself. */
static int send_until_heard(struct side *sender, const struct side *receiver, json_t **told)
{
	int status = -1;

	for (int try = 0; try < TRIES; try++) {
		int ret = start(sender);

		if (ret)
			return ret;
		status = finish(sender, told);
		if (status != 1 || !running(receiver))
			break;
		json_decref(*told);
		*told = NULL;
		wait_ms(PAUSE_MS);
	}
	return status;
}

static uint64_t count(json_t *told, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(told, name));
}

static void take(struct peer_step *step, json_t *received, json_t *sent)
{
	step->mb_per_s = json_real_value(json_object_get(received, "rx_mb_per_s"));
	step->rx_device = count(received, "rx_device");
	step->rx_linear = count(received, "rx_linear");
	step->rx_plain = count(received, "rx_plain");
	step->tx_device = count(sent, "tx_device");
}

/* devmemcat's exit statuses, and those of remote shells. */
static const char *reason(int status)
{
	switch (status) {
	case 3:
		return "the bytes received are not those that were sent";
	case 4:
		return "device memory or the NIC could not be set up: run devmemctl check there";
	case 127:
		return "there is no devmemcat: give its path on the peer with --remote";
	case 255:
		return "the remote shell could not run a command there: try it, or give --rsh";
	default:
		return "the connection failed";
	}
}

static void arguments_of(const struct peer_step *step, const struct peer_options *options,
			 const char *own_address, char *receive, char *send)
{
	const char *to = step->to_peer ? options->address : own_address;
	unsigned int port = FIRST_PORT + (unsigned int)random() % PORTS;

	snprintf(receive, COMMAND / 2,
		 "--validate --recv-only --expect %" PRIu64
		 " -w 60 --json=/dev/fd/3 --exporter %s -l %s %u",
		 options->bytes, devmem_mem_kind_name(step->receive_memory), to, port);
	snprintf(send, COMMAND / 2,
		 "--validate --send-only --bytes %" PRIu64
		 " -w 60 --json=/dev/fd/3 --exporter %s %s %u",
		 options->bytes, devmem_mem_kind_name(step->send_memory), to, port);
}

int peer_step_run(struct peer_step *step, const struct peer_options *options,
		  const char *own_address, const char *tools, struct devmem_error *err)
{
	struct side receiver = {0}, sender = {0};
	char receive[COMMAND / 2], send[COMMAND / 2];
	json_t *received = NULL, *sent = NULL;
	int ret, status;

	arguments_of(step, options, own_address, receive, send);
	compose(&receiver, options, tools, step->to_peer, receive);
	compose(&sender, options, tools, !step->to_peer, send);
	ret = start(&receiver);
	if (ret)
		return devmem_error_set(err, ret, "cannot run '%s': %s", receiver.command,
					strerror(-ret));
	status = send_until_heard(&sender, &receiver, &sent);
	if (status && running(&receiver))
		stop(&receiver);
	else
		status = finish(&receiver, &received) ?: status;
	if (!status)
		take(step, received, sent);
	json_decref(received);
	json_decref(sent);
	if (status)
		return devmem_error_set(err, -EIO, "%s: %s (%s; %s)",
					step->to_peer ? "to the peer" : "from the peer",
					reason(status), receiver.command, sender.command);
	return 0;
}
