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
            print("\(name)=\(text): expected HOST:PORT")
            Foundation.exit(ExitCode.validationFailure.rawValue)
        }
        return address
    }

    static func flag(_ name: String) -> Bool {
        switch value(name) {
        case nil, "", "0", "false": return false
        case "1", "true": return true
        case let text?:
            print("\(name)=\(text): expected true or false")
            Foundation.exit(ExitCode.validationFailure.rawValue)
        }
    }

    static func integer(_ name: String, otherwise number: Int) -> Int {
        guard let text = value(name) else { return number }
        guard let number = Int(text) else {
            print("\(name)=\(text): expected a whole number")
            Foundation.exit(ExitCode.validationFailure.rawValue)
        }
        return number
    }
}

extension ServerAddress: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}

/// Prints why a command failed, and ends with the exit code 1.
func fail(_ reason: some CustomStringConvertible) -> Never {
    FileHandle.standardError.write(Data("atomic-state: \(reason)\n".utf8))
    Foundation.exit(ExitCode.failure.rawValue)
}
