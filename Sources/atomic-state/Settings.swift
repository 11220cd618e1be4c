public import ArgumentParser
public import AtomicStateClient
import Foundation

/// A setting's value from the environment, for options that are not given: flags win over the
/// environment, which wins over the default.
enum Environment {
    static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name]
    }

    static func address(_ name: String, otherwise text: String) -> ServerAddress {
        let text = value(name) ?? text
        guard let address = ServerAddress(text) else {
            fail("\(name)=\(text): expected HOST:PORT", .validationFailure)
        }
        return address
    }

    static func flag(_ name: String) -> Bool {
        switch value(name) {
        case nil, "", "0", "false": return false
        case "1", "true": return true
        case let text?:
            fail("\(name)=\(text): expected true or false", .validationFailure)
        }
    }

    static func integer(_ name: String, otherwise number: Int) -> Int {
        guard let text = value(name) else { return number }
        guard let number = Int(text) else {
            fail("\(name)=\(text): expected a whole number", .validationFailure)
        }
        return number
    }
}

extension ServerAddress: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}

/// Prints why a command failed, and ends with the exit code.
func fail(_ reason: some CustomStringConvertible, _ code: ExitCode = .failure) -> Never {
    FileHandle.standardError.write(Data("atomic-state: \(reason)\n".utf8))
    Foundation.exit(code.rawValue)
}
