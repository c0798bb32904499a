// SPDX-License-Identifier: BSD-3-Clause
/* Prints a status as an object of JSON. */
#include "json_out.h"
#include "status.h"

/* JSON's integers are signed here. */
static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *pid_or_null(pid_t pid)
{
	return pid ? json_integer(pid) : json_null();
}

static json_t *address(const struct sockaddr_storage *addr)
{
	char text[SOCKADDR_TEXT];

	return json_string(sockaddr_text(addr, text));
}

static json_t *device_json(const struct facts *facts, const struct nic_facts *nic)
{
	return json_pack("{ss ss si si si si ss ss}", "nic", nic->nic.name, "interface",
			 nic->nic.ifname, "speed_mbps", (int)nic->nic.speed_mbps, "mtu",
			 (int)nic->nic.mtu, "rx_queues", (int)nic->nic.rx_queues, "free_queues",
			 (int)nic->free, "plan", plan_text(&nic->plan), "reason",
			 status_reason(facts, nic));
}

static json_t *queue_json(const struct status_queue *queue)
{
	return json_pack("{ss si so so sb so so so}", "nic", queue->nic, "queue", (int)queue->queue,
			 "dmabuf_id", queue->dmabuf_id ? number(queue->dmabuf_id) : json_null(),
			 "port", queue->steered ? address(&queue->port) : json_null(), "leased",
			 queue->leased, "uid", queue->owned ? number(queue->uid) : json_null(),
			 "pid", pid_or_null(queue->pid), "command",
			 queue->command[0] ? json_string(queue->command) : json_null());
}

static json_t *connection_json(const struct status_connection *connection)
{
	return json_pack("{so so sb so so so sf sf so si si}", "local", address(&connection->local),
			 "peer", address(&connection->peer), "device", connection->steered, "pid",
			 pid_or_null(connection->pid), "received", number(connection->received),
			 "sent", number(connection->sent), "received_per_s",
			 connection->receive_rate, "sent_per_s", connection->send_rate, "unread",
			 number(connection->unread), "rtt_us", (int)connection->rtt_us,
			 "retransmits", (int)connection->retransmits);
}

static json_t *process_json(const struct status_process *process)
{
	const struct stat_totals *totals = &process->totals;

	return json_pack(
		"{si sb sf so so so so so so so so so so so so}", "pid", (int)process->pid, "alive",
		process->alive, "age_s", process->age_s, "rx_device", number(totals->rx_device),
		"rx_linear", number(totals->rx_linear), "rx_plain", number(totals->rx_plain),
		"tx_device", number(totals->tx_device), "tx_copied", number(totals->tx_copied),
		"tx_staged", number(totals->tx_staged), "tokens_outstanding",
		number(stat_tokens_out(totals)), "pool_pages", number(totals->pool_pages),
		"pool_pages_low", number(totals->pool_low_pages), "sends", number(totals->sends),
		"recvs", number(totals->recvs), "fallbacks", number(totals->fallbacks));
}

int status_print_json(const struct facts *facts, const struct status *status, bool one_line)
{
	json_t *devices = json_array(), *queues = json_array(), *connections = json_array();
	json_t *processes = json_array(), *object;

	for (unsigned int i = 0; i < facts->n_nics; i++)
		json_array_append_new(devices, device_json(facts, &facts->nics[i]));
	for (unsigned int i = 0; i < status->n_queues; i++)
		json_array_append_new(queues, queue_json(&status->queues[i]));
	for (unsigned int i = 0; i < status->n_connections; i++)
		json_array_append_new(connections, connection_json(&status->connections[i]));
	for (unsigned int i = 0; i < status->n_processes; i++)
		json_array_append_new(processes, process_json(&status->processes[i]));
	object = json_pack("{so so so so}", "devices", devices, "queues", queues, "connections",
			   connections, "processes", processes);
	return json_out(stdout, object, one_line);
}
