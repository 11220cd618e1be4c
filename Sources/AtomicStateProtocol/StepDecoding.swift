internal import CProtocol

extension Step {
    /// - Parameter name: what to call the step in an error.
    init(_ message: Atomicstate__V1__Step, name: String) throws(Status) {
        switch message.step_case {
        case ATOMICSTATE__V1__STEP__STEP_OPERATION:
            self = .operation(Int(message.operation))
        case ATOMICSTATE__V1__STEP__STEP_CREATE:
            let create = message.create.pointee
            try requireAtMost(
                ProtocolLimits.stepFieldCountMax, create.n_fields, "fields", of: name)
            let fields = UnsafeBufferPointer(start: create.fields, count: create.n_fields)
            self = .create(entity: Int(create.entity), fields: fields.map { Int($0) })
        case ATOMICSTATE__V1__STEP__STEP_UPDATE:
            let update = message.update.pointee
            try requireAtMost(
                ProtocolLimits.stepFieldCountMax, update.n_changes, "changes", of: name)
            var changes: [FieldChange] = []
            changes.reserveCapacity(update.n_changes)
            for index in 0..<update.n_changes {
                guard let change = update.changes[index] else { continue }
                changes.append(
                    try FieldChange(change.pointee, name: "\(name), change \(index)"))
            }
            self = .update(
                entity: Int(update.entity), changes: changes,
                expectsVersion: update.expects_version != 0)
        case ATOMICSTATE__V1__STEP__STEP_DELETE:
            let delete = message.delete_.pointee
            self = .delete(
                entity: Int(delete.entity), expectsVersion: delete.expects_version != 0)
        default:
            throw Status(
                .unimplemented,
                "\(name): a step of no known kind: expected operation, create, update or delete")
        }
    }
}

extension Step.FieldChange {
    fileprivate init(_ message: Atomicstate__V1__FieldChange, name: String) throws(Status) {
        let kind: Kind
        switch message.kind {
        case ATOMICSTATE__V1__FIELD_CHANGE__KIND__SET: kind = .set
        case ATOMICSTATE__V1__FIELD_CHANGE__KIND__ADD: kind = .add
        case ATOMICSTATE__V1__FIELD_CHANGE__KIND__CLEAR: kind = .clear
        default:
            throw Status(
                .unimplemented,
                "\(name): a change of kind \(message.kind.rawValue): expected set, add or clear")
        }
        self.init(field: Int(message.field), kind: kind)
    }
}

/// - Throws: `resourceExhausted`, with what there is too much of and the limit.
package func requireAtMost(
    _ limit: Int, _ count: Int, _ things: String, of name: @autoclosure () -> String
) throws(Status) {
    guard count <= limit else {
        throw Status(.resourceExhausted, "\(name()): \(count) \(things): expected at most \(limit)")
    }
}
