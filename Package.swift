// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// Rooms and what each may import: see ARCHITECTURE.md. Imports go downward only.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

// Explored state by state: unoptimized that takes ten times as long and keeps every other test from the CPUs.
let explored: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

// Rules, their pages, proposals and reports run once a file or failure, and most of them are texts: small before quick.
let small: [SwiftSetting] = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

func room(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil,
    settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// Relative relocations as a bit map, which is applied before a command begins, and no symbol for others to find: a
/// command starts in half the time and is an eighth smaller. It takes lld, and a C library of 2022 (glibc 2.36). C++'s
/// library, which Swift's runtime needs, is linked in if `make release` has put it there: to load it takes a seventh of
/// the time in which `jailhouse-ctl list` is done.
let released: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld", "-L", "\(Context.packageDirectory)/.build/static"]
            + ["--no-export-dynamic", "-z", "pack-relative-relocs"].flatMap { ["-Xlinker", $0] },
        .when(configuration: .release))
]

/// At a fixed address, as programs in Go are: 720 KiB are not copied for their relocations, which is a tenth of the time
/// of a command that is done at once.
let fixed: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "--no-pie"], .when(configuration: .release))]

func command(
    _ name: String, _ dependencies: [Target.Dependency], settings: [LinkerSetting] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: released + settings)
}

/// - Parameter data: files and folders that tests use where they stand.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], data: [String] = [], settings: [SwiftSetting] = strict
) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: data, swiftSettings: settings)
}

let package = Package(
    name: "jailhoused",
    products: [
        .executable(name: "jailhoused", targets: ["jailhoused"]),
        .executable(name: "jailhouse-ctl", targets: ["jailhouse-ctl"]),
        .executable(name: "jailhouse-exporter", targets: ["jailhouse-exporter"]),
        .executable(name: "jailhouse-sim", targets: ["jailhouse-sim"]),
        // what jailhouse-sim exec loads into programs beside umockdev
        .library(name: "jailhouse-sim-preload", type: .dynamic, targets: ["SimulatorPreload"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C libraries
        .target(name: "CCellMachine"),
        .systemLibrary(name: "CSwiftRuntime"),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CUMockdev", pkgConfig: "umockdev-1.0", providers: [.apt(["libumockdev-dev"])]),

        // the ground floor: values and pure functions; SystemCalls wraps the kernel
        room("TOML"),
        room("CellConfiguration", ["TOML"]),
        room("DeviceTree"),
        room("InmateImage"),
        room("JailhouseInterface"),
        room("Supervision", ["JailhouseInterface"], settings: explored),
        room("SystemCalls", [systemPackage]),

        // the first floor
        room("ConfigurationRules", ["CellConfiguration", "DeviceTree"], settings: small),
        room(
            "CellDefinition",
            [
                "CellConfiguration", "ConfigurationRules", "DeviceTree", "InmateImage", "Supervision", "SystemCalls",
                systemPackage,
            ], settings: small),
        room("FailureReports", ["CellConfiguration", "ConfigurationRules"], settings: small),
        room(
            "RulePages", ["CellConfiguration", "CellDefinition", "ConfigurationRules", "DeviceTree"], settings: small),
        room("MachineProbe", ["CellConfiguration", "ConfigurationRules", "DeviceTree"], settings: small),
        room("Hypervisor", ["CellConfiguration", "JailhouseInterface", "Supervision", "SystemCalls", systemPackage]),
        room("ControlInterface", ["SystemCalls", systemPackage]),
        room("Metrics", ["ControlInterface"]),
        room("CellMachine", ["CellConfiguration", "CCellMachine", "JailhouseInterface", "SystemCalls", systemPackage]),
        room("SystemdSupport", ["CSystemd", "SystemCalls", logging, systemPackage]),
        .target(name: "SimulatorPreload"),
        room(
            "Simulator",
            ["CUMockdev", "CellConfiguration", "CellMachine", "JailhouseInterface", "SystemCalls", systemPackage]),

        // the second floor
        room(
            "ControlServer",
            ["ControlInterface", "SystemCalls", "SystemdSupport", logging, nioCore, nioPosix, serviceLifecycle]),
        room(
            "Daemon",
            [
                "CellConfiguration", "CellDefinition", "ConfigurationRules", "ControlInterface", "ControlServer",
                "FailureReports", "Hypervisor", "InmateImage", "JailhouseInterface", "Supervision", "SystemCalls",
                "SystemdSupport", logging, nioCore,
                nioPosix,
                serviceLifecycle, systemPackage, unixSignals,
            ]
        ),

        // the command line of jailhouse-ctl
        room(
            "Commands",
            [
                "CellConfiguration", "CellDefinition", "ConfigurationRules", "ControlInterface", "DeviceTree",
                "CSwiftRuntime", "FailureReports", "InmateImage", "JailhouseInterface", "MachineProbe", "Metrics",
                "RulePages", "SystemCalls", "TOML", argumentParser, systemPackage,
            ]),

        // the page and the metrics over HTTP
        room("Exporter", ["Commands", "ControlInterface", "Metrics", nioCore, nioHTTP1, nioPosix]),

        // the command line of jailhouse-sim
        room(
            "SimulatorCommands",
            [
                "CellConfiguration", "CellDefinition", "CellMachine", "ControlInterface", "InmateImage",
                "JailhouseInterface", "Simulator",
                "SystemCalls", argumentParser,
            ]),

        // the manual, from the tables of formats, rules and the interface; in no program
        room(
            "Manuals",
            ["CellConfiguration", "CellDefinition", "ConfigurationRules", "ControlInterface", "RulePages"]),

        // the commands
        command("jailhoused", ["Daemon", argumentParser]),
        command("jailhouse-ctl", ["Commands"], settings: fixed),
        command("jailhouse-sim", ["SimulatorCommands"]),
        command(
            "jailhouse-exporter", ["ControlInterface", "Exporter", "SystemCalls", "SystemdSupport", argumentParser]),

        // make chaos; not installed
        .executableTarget(
            name: "chaos",
            dependencies: [
                "CellConfiguration", "ControlInterface", "Hypervisor", "JailhouseInterface", "Simulator", "SystemCalls",
                "TestSupport", argumentParser, systemPackage,
            ],
            path: "Tests/Programs/chaos", swiftSettings: strict),

        // make soak; not installed
        .executableTarget(
            name: "soak", dependencies: ["ControlInterface", "Simulator", argumentParser], path: "Tests/Programs/soak",
            swiftSettings: strict),

        // make scenarios; not installed
        .executableTarget(
            name: "scenarios",
            dependencies: [
                "CellConfiguration", "CellDefinition", "Hypervisor", "InmateImage", "JailhouseInterface", "Simulator",
                "Supervision", "SystemCalls", argumentParser, systemPackage,
            ],
            path: "Tests/Programs/scenarios/runner", swiftSettings: strict),

        // make manuals; not installed
        .executableTarget(
            name: "manual-pages", dependencies: ["ControlInterface", "Manuals", argumentParser],
            path: "Tests/Programs/manuals", swiftSettings: strict),

        // make deaths; not installed
        .executableTarget(
            name: "deaths", dependencies: ["DeathTable"], path: "Tests/Programs/deaths", swiftSettings: strict),
        .target(
            name: "DeathTable", dependencies: ["CellConfiguration", "FailureReports", "InmateImage", "TestSupport"],
            path: "Tests/DeathTable", swiftSettings: strict),

        // what several of the test targets use
        .target(
            name: "TestSupport", dependencies: ["CellConfiguration"], path: "Tests/TestSupport", swiftSettings: strict),

        tests("TOMLTests", ["TOML", "TestSupport"]),
        tests("CellConfigurationTests", ["CellConfiguration", "TestSupport"]),
        tests(
            "ConfigurationRulesTests", ["CellConfiguration", "ConfigurationRules", "DeviceTree", "TestSupport"],
            data: ["Cases"]),
        tests(
            "FailureReportsTests",
            [
                "CellConfiguration", "DeathTable", "FailureReports", "InmateImage", "RulePages", "Supervision",
                "TestSupport",
            ],
            data: ["deaths.md"]),
        tests("ManualsTests", ["Manuals"]),
        tests("MetricsTests", ["ControlInterface", "Exporter", "Metrics", "Supervision", "SystemCalls"]),
        tests("RulePagesTests", ["ConfigurationRules", "RulePages"]),
        tests("InmateImageTests", ["InmateImage", "TestSupport"]),
        tests("DeviceTreeTests", ["DeviceTree", "TestSupport"], data: ["trees"]),
        tests(
            "MachineProbeTests",
            ["CellConfiguration", "ConfigurationRules", "DeviceTree", "MachineProbe", "TestSupport"],
            data: ["Captures"]),
        tests("SupervisionTests", ["JailhouseInterface", "Supervision", "TestSupport"], settings: explored),
        tests(
            "CellDefinitionTests",
            [
                "CellConfiguration", "CellDefinition", "ConfigurationRules", "DeviceTree", "InmateImage",
                "Supervision", "SystemCalls", "TestSupport",
            ]),
        tests("HypervisorTests", ["Hypervisor", "JailhouseInterface", "Supervision", "SystemCalls", systemPackage]),
        tests("ControlInterfaceTests", ["ControlInterface", "SystemCalls", systemPackage]),
        tests("SystemdSupportTests", ["SystemdSupport", logging, systemPackage]),
        tests(
            "SimulatorTests",
            ["Simulator", "CellConfiguration", "CellMachine", "FailureReports", "JailhouseInterface", "SystemCalls"]),
        tests(
            "CellMachineTests",
            [
                "CellMachine", "CellConfiguration", "CellDefinition", "InmateImage", "JailhouseInterface",
                "SystemCalls",
                systemPackage,
            ],
            data: ["Inmates", "RTEMS"]),
        tests("ControlServerTests", ["ControlServer"]),
        tests(
            "DaemonTests",
            [
                "Daemon", "CellConfiguration", "CellDefinition", "ConfigurationRules", "ControlInterface",
                "Hypervisor", "InmateImage", "JailhouseInterface",
                "Supervision", "SystemCalls", "TestSupport", logging, nioCore, nioPosix, systemPackage,
            ]),
        tests(
            "CommandTests",
            [
                "Commands", "CellConfiguration", "CellDefinition", "ConfigurationRules", "ControlInterface",
                "RulePages", "SystemCalls", "TestSupport", argumentParser,
            ],
            data: ["Golden"]),
        tests(
            "Integration", ["ControlInterface", "InmateImage", "SystemCalls", systemPackage],
            data: [
                "container", "container.sh", "machine.sh", "varlink_client.py", "hostile.py", "hanging_filesystem.py",
                "on_terminal.py",
                "with-machine.sh", "status_page.py",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
