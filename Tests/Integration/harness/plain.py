"""The plainest consumer there is: takes one message after the other from a queue, calls the provider, replies, acks.

It shares broker, provider and machine with what is measured beside it, and nothing else: what it waits for is not the
service's doing. Arguments: the broker's URL, the queue, the provider's address. Ends when its standard input does.
"""
import http.client
import select
import sys
import urllib.parse

import pika


def main():
    broker, queue, provider = sys.argv[1:]
    address = urllib.parse.urlsplit(provider)
    calls = http.client.HTTPConnection(address.hostname, address.port)
    connection = pika.BlockingConnection(pika.URLParameters(broker))
    channel = connection.channel()

    def received(_channel, method, properties, body):
        calls.request("POST", f"{address.path}/chat/completions", body,
                      {"authorization": "Bearer plain", "content-type": "application/json"})
        answer = calls.getresponse().read()
        channel.basic_publish("", properties.reply_to, answer,
                              pika.BasicProperties(correlation_id=properties.correlation_id, delivery_mode=2))
        channel.basic_ack(method.delivery_tag)

    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    channel.basic_consume(queue, received)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        connection.process_data_events(time_limit=0.5)
    connection.close()


main()
