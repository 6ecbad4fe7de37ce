// SPDX-License-Identifier: Apache-2.0

/// The interface `org.varlink.service`, which every Varlink service has: what this is and how to talk to it.
package enum VarlinkService {
    package static let name = ServiceError.interface

    /// The interface as the Varlink project defines it.
    package static let description = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """

    package enum GetInfo: VarlinkMethod {
        package static let name = "GetInfo"
        package static let interface = VarlinkService.name
        package typealias Parameters = Nothing
        package struct Reply: Codable, Hashable, Sendable {
            package var vendor: String
            package var product: String
            package var version: String
            package var url: String
            package var interfaces: [String]
        }
    }

    package enum GetInterfaceDescription: VarlinkMethod {
        package static let name = "GetInterfaceDescription"
        package static let interface = VarlinkService.name
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["interface"]
            package var interface: String

            package init(interface: String) {
                self.interface = interface
            }
        }
        package struct Reply: Codable, Hashable, Sendable {
            package var description: String
        }
    }
}

/// Answers every call that is none of ``Manager``'s methods.
package struct VarlinkServiceInfo: Hashable, Sendable {
    /// The daemon's version.
    package var version: String

    package init(version: String) {
        self.version = version
    }

    /// The reply to a call to `org.varlink.service`, or the error for an interface or method that does not exist;
    /// nil for a method of ``Manager``, which is the caller's to answer.
    ///
    /// - Returns: bytes with the NUL that ends them; they are not sent if the call is `oneway`.
    package func reply(to call: VarlinkCall) -> [UInt8]? {
        do {
            switch call.method {
            case VarlinkService.GetInfo.qualifiedName:
                _ = try call.parameters(of: VarlinkService.GetInfo.self)
                return try VarlinkReply.message(of: VarlinkService.GetInfo.self, information)
            case VarlinkService.GetInterfaceDescription.qualifiedName:
                let wanted = try call.parameters(of: VarlinkService.GetInterfaceDescription.self).interface
                return try VarlinkReply.message(
                    of: VarlinkService.GetInterfaceDescription.self, .init(description: description(of: wanted)))
            case let name where Manager.Method(named: name) != nil:
                return nil
            default:
                let known = [Manager.name, VarlinkService.name].contains(call.interface)
                throw known
                    ? ServiceError.methodNotFound(method: call.method)
                    : ServiceError.interfaceNotFound(interface: call.interface)
            }
        } catch let error as ServiceError {
            return VarlinkReply.message(error)
        } catch {
            return VarlinkReply.message(.methodNotImplemented(method: call.method))
        }
    }

    private var information: VarlinkService.GetInfo.Reply {
        VarlinkService.GetInfo.Reply(
            vendor: "jailhoused", product: "jailhoused", version: version, url: "",
            interfaces: [VarlinkService.name, Manager.name])
    }

    private func description(of interface: String) throws(ServiceError) -> String {
        switch interface {
        case Manager.name: return Manager.description
        case VarlinkService.name: return VarlinkService.description
        default: throw .interfaceNotFound(interface: interface)
        }
    }
}
