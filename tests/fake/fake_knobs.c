// SPDX-License-Identifier: BSD-3-Clause
/* Settings and counters of the stand-in for libcuda.so.1. */
#include "fake_cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "FAKE_CUDA_"

static const struct {
	const char *name;
	long value;
} knobs[] = {
#define X(name, value) {#name, value},
	FAKE_KNOB_LIST(X)
#undef X
};

static bool knobs_read;

static enum fake_knob knob_named(const char *name, size_t length)
{
	for (unsigned int knob = 0; knob < FAKE_KNOBS; knob++)
		if (strlen(knobs[knob].name) == length && !strncmp(knobs[knob].name, name, length))
			return (enum fake_knob)knob;
	fake_misuse("there is no setting " PREFIX "%.*s", (int)length, name);
}

static void put(int device, enum fake_knob knob, long value)
{
	for (int d = 0; d < FAKE_MAX_DEVICES; d++)
		if (device < 0 || d == device)
			fake.knobs[d][knob] = value;
}

/* NAME=value or D_NAME=value; those for one device come after those for all. */
static void take(const char *text, bool one_device)
{
	const char *equals = strchr(text, '=');
	bool numbered = text[0] >= '0' && text[0] <= '9' && text[1] == '_';
	const char *name = numbered ? text + 2 : text;
	char *end;
	long value;

	if (numbered != one_device)
		return;
	value = strtol(equals + 1, &end, 10);
	if (end == equals + 1 || *end || (numbered && text[0] - '0' >= FAKE_MAX_DEVICES))
		fake_misuse(PREFIX "%s is not a number for one of %d devices", text,
			    FAKE_MAX_DEVICES);
	put(numbered ? text[0] - '0' : -1, knob_named(name, (size_t)(equals - name)), value);
}

static void read_all(void)
{
	extern char **environ;

	for (unsigned int knob = 0; knob < FAKE_KNOBS; knob++)
		put(-1, (enum fake_knob)knob, knobs[knob].value);
	for (int one_device = 0; one_device < 2; one_device++)
		for (char **variable = environ; *variable; variable++)
			if (!strncmp(*variable, PREFIX, strlen(PREFIX)))
				take(*variable + strlen(PREFIX), one_device);
}

void fake_knobs_read(void)
{
	if (!knobs_read)
		read_all();
	knobs_read = true;
}
bool fake_turn(int device, enum fake_knob knob)
{
	long *left = &fake.knobs[device][knob];

	return *left > 0 && --*left == 0;
}

void fake_cuda_set(int device, enum fake_knob knob, long value)
{
	pthread_mutex_lock(&fake.lock);
	fake_knobs_read();
	put(device, knob, value);
	pthread_mutex_unlock(&fake.lock);
}

long fake_cuda_get(int device, enum fake_knob knob)
{
	long value;

	pthread_mutex_lock(&fake.lock);
	fake_knobs_read();
	value = fake.knobs[device][knob];
	pthread_mutex_unlock(&fake.lock);
	return value;
}

void fake_cuda_reset(void)
{
	pthread_mutex_lock(&fake.lock);
	read_all();
	knobs_read = true;
	pthread_mutex_unlock(&fake.lock);
}

long fake_cuda_count(int device, enum fake_count count)
{
	long sum = 0;

	pthread_mutex_lock(&fake.lock);
	for (int d = 0; d < FAKE_MAX_DEVICES; d++)
		if (device < 0 || d == device)
			sum += fake.counts[d][count];
	pthread_mutex_unlock(&fake.lock);
	return sum;
}
