package import AtomicStateSchema

/// A rejection in words; see `RejectionTexts.Rejection`.
package struct RejectionDescription: Sendable, Equatable {
    package let index: Int
    package let code: RejectionCode
    package let rule: String
    package let entityType: String
    package let entityKey: String
    package let message: String
    package let observations: [Observation]
    package let value: String?
    package let limit: String?

    package struct Observation: Sendable, Equatable {
        package let name: String
        package let value: String
        package let before: String?
    }
}

extension BatchOutcome {
    /// The first rejections, or all, in words.
    package func describeRejections(
        _ schema: Schema, limit: Int = .max
    ) -> [RejectionDescription] {
        var texts = RejectionTexts(self, schema)
        return rejections.prefix(limit).map { record in
            let rejection = texts.describe(record)
            func string(_ text: RejectionTexts.Text) -> String {
                String(decoding: texts.bytes[text], as: UTF8.self)
            }
            return RejectionDescription(
                index: rejection.index, code: rejection.code, rule: string(rejection.rule),
                entityType: string(rejection.entityType), entityKey: string(rejection.entityKey),
                message: string(rejection.message),
                observations: texts.observations.map {
                    RejectionDescription.Observation(
                        name: string($0.name), value: string($0.value),
                        before: $0.before.map(string))
                },
                value: rejection.value.map(string), limit: rejection.limit.map(string))
        }
    }
}
