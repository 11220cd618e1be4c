/// The bounds of the protocol. A server tells its own in the handshake; these are its defaults and
/// the most that it can be set to.
public enum ProtocolLimits {
    /// A message's bytes, without the frame's header.
    public static let frameByteCountMax = 4 << 20
    /// The transactions of one batch.
    public static let batchTransactionCountMax = 65_536
    /// The steps of one transaction.
    public static let transactionStepCountMax = 16
    /// The columns of one run.
    public static let runColumnCountMax = 256
    /// The fields that one step sets or changes.
    public static let stepFieldCountMax = 64
    /// The requests that one connection may have in flight.
    public static let requestsInFlightMax = 64
    /// The memory that one decoded message may take. A message of many empty parts takes more memory
    /// than bytes on the wire; this bounds how much more.
    static let decodedByteCountMax = 4 * frameByteCountMax
    /// The protocol version that this code speaks.
    public static let version: UInt32 = 1
}
