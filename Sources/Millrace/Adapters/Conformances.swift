public import AMQP
public import Worker

// Both sides are ours, and their methods already have the port's shapes.
extension Publisher: ReplySink {}
