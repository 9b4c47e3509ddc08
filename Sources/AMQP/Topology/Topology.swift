public import Wire

/// The exchanges, queues and bindings that a service needs. All are durable unless they say otherwise.
public struct Topology: Hashable, Sendable {
  public struct Exchange: Hashable, Sendable {
    public var name: String
    /// `topic`, `fanout`, `direct`, `headers`, or what a plugin adds.
    public var kind: String
    public var durable: Bool
    /// Where messages go that no binding takes.
    public var alternateExchange: String?
    /// Further arguments.
    public var arguments: FieldTable

    public init(
      name: String, kind: String, durable: Bool = true, alternateExchange: String? = nil,
      arguments: FieldTable = FieldTable()
    ) {
      self.name = name
      self.kind = kind
      self.durable = durable
      self.alternateExchange = alternateExchange
      self.arguments = arguments
    }
  }

  public struct Queue: Hashable, Sendable {
    public var name: String
    public var durable: Bool
    /// `x-queue-type`, `x-dead-letter-exchange` and so on, with the exact types the broker expects.
    public var arguments: FieldTable

    public init(name: String, durable: Bool = true, arguments: FieldTable = FieldTable()) {
      self.name = name
      self.durable = durable
      self.arguments = arguments
    }
  }

  /// Messages of `exchange` whose routing key matches go to `destination` too.
  public struct Binding: Hashable, Sendable {
    public enum Destination: Hashable, Sendable {
      case queue(String)
      case exchange(String)
    }

    public var exchange: String
    public var destination: Destination
    public var routingKey: String
    public var arguments: FieldTable

    public init(
      exchange: String, destination: Destination, routingKey: String, arguments: FieldTable = FieldTable()
    ) {
      self.exchange = exchange
      self.destination = destination
      self.routingKey = routingKey
      self.arguments = arguments
    }
  }

  public var exchanges: [Exchange]
  public var queues: [Queue]
  public var bindings: [Binding]

  public init(exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = []) {
    self.exchanges = exchanges
    self.queues = queues
    self.bindings = bindings
  }
}

/// What was found of a topology, one entry an object, in the order of the topology.
public struct TopologyReport: Hashable, Sendable {
  public enum Finding: Hashable, Sendable {
    /// It was missing and is there now.
    case created
    /// It is there as wanted.
    case matching
    /// It is there with another kind or other arguments. Nothing was changed; the broker's words name the argument,
    /// what was wanted and what it has.
    case differs(String)
    /// It is there, or may be, but nobody could tell whether as wanted.
    case unverified(String)
    /// It is not there, and was not declared.
    case missing(String)
  }

  public struct Entry: Hashable, Sendable, CustomStringConvertible {
    /// As in `queue 'llm.results'`.
    public var object: String
    public var finding: Finding

    public init(object: String, finding: Finding) {
      self.object = object
      self.finding = finding
    }

    public var description: String {
      switch finding {
      case .created: "\(object) was created"
      case .matching: "\(object) is as wanted"
      case .differs(let detail): "\(object) differs: \(detail)"
      case .unverified(let reason): "\(object) could not be compared: \(reason)"
      case .missing(let reason): "\(object) is missing: \(reason)"
      }
    }
  }

  public var entries: [Entry]

  public init(entries: [Entry]) {
    self.entries = entries
  }

  /// What a service cannot start without.
  public var missing: [Entry] {
    entries.filter { if case .missing = $0.finding { true } else { false } }
  }

  public var differing: [Entry] {
    entries.filter { if case .differs = $0.finding { true } else { false } }
  }

  public subscript(object: String) -> Finding? { entries.first { $0.object == object }?.finding }

  /// One line that names all that is missing; `nil` if nothing is.
  public var refusal: String? {
    guard !missing.isEmpty else { return nil }
    let names = missing.map(\.object).joined(separator: ", ")
    return "missing at the broker: \(names); declare them, or let the service do it"
  }
}
