"""Asks at an even pace and measures how long each answer takes, in a process of its own: one that publishes and collects
thousands of others besides would measure itself.

Reads what to do from stdin as JSON, and prints the waits in seconds as JSON. Start it through `waits.Probe`.
"""
import json
import sys
import time

import pika


def main():
    asked = json.load(sys.stdin)
    connection = pika.BlockingConnection(pika.URLParameters(asked["url"]))
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    began, waits = {}, []

    def received(_channel, _method, properties, _body):
        waits.append(time.monotonic() - began.pop(properties.correlation_id))

    channel.basic_consume(queue, received, auto_ack=True)
    start = time.monotonic()
    messages = asked["messages"]
    for number, message in enumerate(messages):
        due = start + number * asked["over"] / len(messages)
        while (left := due - time.monotonic()) > 0:
            connection.process_data_events(time_limit=left)
        name = message["correlation_id"]
        began[name] = time.monotonic()
        channel.basic_publish(
            message["exchange"], message["routing_key"], message["body"].encode(),
            pika.BasicProperties(headers=message["headers"], delivery_mode=2, correlation_id=name,
                                 message_id=message["message_id"], reply_to=queue))
    end = time.monotonic() + asked["patience"]
    while began and time.monotonic() < end:
        connection.process_data_events(time_limit=0.1)
    connection.close()
    json.dump({"waits": sorted(waits), "unanswered": sorted(began)}, sys.stdout)


main()
