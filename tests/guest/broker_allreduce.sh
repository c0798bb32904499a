#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, with NICs of three queues: jobs of ordinary users lease theirs from devmemd, until none is left.
set -eu

bench=$DEVMEM_REPO/bench
fail() { printf '%s\n' "$*" >&2; tail -n 30 /tmp/*.log >&2; exit 1; }
expect() { grep -q -- "$1" "$2" || fail "$2 has no line with: $1"; }

# await FILE TEXT N: until FILE has N lines with TEXT.
await() {
	local try
	for try in $(seq 200); do
		[ "$(grep -c -- "$2" "$1")" -lt "$3" ] || return 0
		sleep 0.05
	done
	fail "after $try tries $1 has fewer than $3 lines with: $2"
}

chmod 666 /dev/udmabuf
chmod 1777 /tmp
for host in 0 1; do
	on "host$host" devmemd --socket "/run/devmemd/host$host" --allow-user 1001 --allow-user 1002 --allow-user 1003 2>"/tmp/devmemd$host.log" &
done
await /tmp/devmemd0.log serving 1
await /tmp/devmemd1.log serving 1

export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_POOL_MB=16 NCCL_DEBUG=INFO
export OMPI_MCA_plm_rsh_agent=$DEVMEM_REPO/tests/guest/on_as_user.sh

# job USER OPTIONS...: an all-reduce of both hosts; mpirun's own files are in a folder for each job.
job() {
	local user=$1
	shift
	DEVMEM_TEST_USER=$user timeout -k 2 90 "$bench/hosts_run.sh" 2 allreduce --memory udmabuf -b 4 -e 1M --timeout 60 "$@" >"/tmp/job$user.log" 2>&1
}
counters() {
	local host
	for host in 0 1; do
		on "host$host" ethtool -S dm0 >"/tmp/host$host.$1"
	done
}
rules() { on host0 ethtool -n dm0 | grep -c '^Filter:' || true; }

echo 'one user: every byte goes to device memory'
counters start
NCCL_DEVMEM_REQUIRE=1 job 1001 --random 100 --seed 7 --json /tmp/job.json || fail 'the job of user 1001 failed'
counters devmem
verdict --devmem /tmp/job.json --nics /tmp --hosts 2
expect 'queues: leased from devmemd' /tmp/job1001.log
expect 'user 1001, process' /tmp/devmemd0.log
[ "$(rules)" = 0 ] || fail 'the job left a rule'

echo 'two users at the same time, a queue for each; a third finds none and goes by host memory'
for user in 1001 1002; do
	NCCL_DEVMEM_REQUIRE=1 job "$user" --random 500 --seed "$user" &
	running[user]=$!
done
for host in 0 1; do
	await "/tmp/devmemd$host.log" 'user 1001, process' 2
	await "/tmp/devmemd$host.log" 'user 1002, process' 1
done
# Both hold their queues until the third is done, however fast they are.
pkill -STOP -U 1001,1002 -x allreduce || fail 'the jobs of users 1001 and 1002 do not run'
for host in 0 1; do
	on "host$host" devmemctl lease --socket "/run/devmemd/host$host" >"/tmp/lease$host.log"
	for user in 1001 1002; do
		expect "^ *[0-9][0-9]* *dm0 *[12] *$user *[0-9]" "/tmp/lease$host.log"
	done
done
on host0 env NCCL_DEVMEM_BROKER=/run/devmemd/host0 devmemctl lease --json >/tmp/lease.json
[ "$(grep -c '"uid": 100[12],' /tmp/lease.json)" = 2 ] || { cat /tmp/lease.json; fail 'devmemctl lease --json does not show both users'; }
NCCL_DEVMEM_REQUIRE=0 job 1003 --random 50 --seed 3 || fail 'the job of user 1003 failed'
pkill -CONT -U 1001,1002 -x allreduce
for user in 1001 1002; do
	wait "${running[user]}" || fail "the job of user $user failed"
	expect '[1-9][0-9]* bytes in device memory, 0 linear, 0 plain' "/tmp/job$user.log"
done
expect 'falling back to: receive to host memory, send from device memory. Why: no free rx queue on dm0' /tmp/job1003.log
expect ' 0 bytes in device memory, 0 linear' /tmp/job1003.log

echo 'root needs no broker, and devmemd leaves its rules alone'
NCCL_DEVMEM_REQUIRE=1 OMPI_MCA_plm_rsh_agent=on job 0 --random 300 --seed 5 || fail 'the job of root failed'
expect 'queues: own' /tmp/job0.log
expect '[1-9][0-9]* bytes in device memory, 0 linear, 0 plain' /tmp/job0.log

echo 'a user whom devmemd does not know is told why'
job 1004 --random 20 --seed 4 || fail 'the job of user 1004 failed'
expect 'devmemd does not lease queues to user 1004: add the user to group devmem' /tmp/job1004.log
if NCCL_DEVMEM_REQUIRE=1 job 1004 --random 20 --seed 4; then fail 'REQUIRE did not make it an error'; fi

[ "$(rules)" = 0 ] || fail 'a job left a rule'
