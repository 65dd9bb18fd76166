/* SPDX-License-Identifier: Apache-2.0 */
/* What the device tells, in EAL's interrupt thread or when asked, and what follows from it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "nic/interface.h"
#include "nic/port.h"

#define RETRY_MS      1000  /* after a reset that failed, ... */
#define RETRY_MOST_MS 30000 /* ... twice as long each time, to this */

int port_event(uint16_t id, enum rte_eth_event_type type, void *argument, void *result)
{
	struct port *port = argument;

	(void)id;
	(void)result;
	if (type == RTE_ETH_EVENT_INTR_LSC) {
		atomic_fetch_add(&port->link_changes, 1);
		atomic_fetch_add(&port->announce_epoch, 1);
	} else if (type == RTE_ETH_EVENT_INTR_RESET) {
		atomic_store(&port->reset_wanted, 1);
	} else if (type == RTE_ETH_EVENT_INTR_RMV) {
		atomic_store(&port->removed, 1);
	}
	return 0;
}

int port_watch(struct port *port)
{
	int result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_LSC, port_event, port);

	if (result == 0)
		result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RESET, port_event, port);
	if (result == 0)
		result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RMV, port_event, port);
	return result;
}

void port_unwatch(struct port *port)
{
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_LSC, port_event, port);
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_RESET, port_event, port);
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_RMV, port_event, port);
}

__attribute__((format(printf, 3, 4))) static void say(struct source_news *news, int bad, const char *format, ...)
{
	va_list arguments;

	news->bad = bad;
	va_start(arguments, format);
	(void)vsnprintf(news->text, sizeof(news->text), format, arguments);
	va_end(arguments);
}

/* A device that has gone gives nothing any more. */
static void follow_removal(struct port *port, struct source_news *news)
{
	if (port->gone)
		return;
	port->gone = 1;
	(void)port_close_gates(port);
	port_note(port, "the device has been removed");
	say(news, 1, "port %s: the device has been removed: nothing is received here until a restart", port->config.name);
}

/* One that fails may do better in a moment; until then nothing is received. */
static void try_reset(struct port *port, int64_t now_ms, struct source_news *news)
{
	struct error error = {""};
	int result = port_reset(port, &error);

	port_count_missed(port);
	if (result == 0) {
		say(news, 0, "port %s: the device asked for a reset, and has had it", port->config.name);
		port->resets++;
		port->retry_ms = 0;
		return;
	}
	if (port->retry_ms == 0)
		say(news, 1, "%.300s; nothing is received until it succeeds, and it is tried again", error.text);
	port->retry_ms = port->retry_ms == 0 ? RETRY_MS : 2 * port->retry_ms;
	if (port->retry_ms > RETRY_MOST_MS)
		port->retry_ms = RETRY_MOST_MS;
	port->retry_at_ms = now_ms + port->retry_ms;
}

/* No driver tells of an interface of the kernel's that it has gone. */
static void look_for_interface(struct port *port)
{
	struct interface kernels;

	if (port->interface != 0 && interface_read(port->interface, &kernels) == -ENODEV)
		atomic_store(&port->removed, 1);
}

/* Where the driver does not tell of changes, looking finds them. */
static void follow_link(struct port *port, struct source_news *news)
{
	struct rte_eth_link link = {0};
	int up;

	if (port_link(port, &link) != 0)
		return;
	up = link.link_status == RTE_ETH_LINK_UP;
	if (port->link_up >= 0 && port->link_up != up) {
		say(news, !up, "port %s: the link is %s", port->config.name, up ? "up" : "down");
		if (!port->watches_link) {
			atomic_fetch_add(&port->link_changes, 1);
			atomic_fetch_add(&port->announce_epoch, 1);
		}
	}
	port->link_up = up;
}

void port_follow(struct source *source, int64_t now_ms, struct source_news *news)
{
	struct port *port = (struct port *)source;

	news->text[0] = '\0';
	port_count_missed(port);
	look_for_interface(port);
	if (atomic_load(&port->removed))
		follow_removal(port, news);
	else if (atomic_exchange(&port->reset_wanted, 0) || (port->retry_ms != 0 && now_ms >= port->retry_at_ms))
		try_reset(port, now_ms, news);
	else if (port->started)
		follow_link(port, news);
}
