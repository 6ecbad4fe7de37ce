// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Makes the Debian packages once for all tests of a suite.
struct MadePackages: SuiteTrait, TestScoping {
    /// Where they are: ``make(in:)``.
    @TaskLocal static var current: URL?

    /// Packages of the programs that the tests belong to, and the same ones with a later version: below `old` and `new`.
    private static func make(in directory: URL) async throws {
        let old = directory.appending(path: "old")
        let made = try await Program.run(
            [
                "make", "--silent", "-C", Place.source.path, "deb", "BINARIES=\(Place.programs.path)",
                "DEB=\(old.path)", "DEB_VERSION=0.0.1",
                "LINTIAN=--allow-root --suppress-tags custom-library-search-path",
            ],
            // a debug build's runtime is in no package, and what it is linked with is Debian's
            environment: ["SHLIBDEPS": "--ignore-missing-info", "COMPRESSION": "gzip -z1"], within: .seconds(300))
        try #require(made.status == 0, "\(made.output)\(made.errors)")
        let renewed = try await Program.run([
            "sh", "-ec",
            """
            cd '\(directory.path)'; mkdir new
            for package in old/*.deb; do
                dpkg-deb --raw-extract $package tree
                sed -i 's/^Version: .*/Version: 0.0.2/' tree/DEBIAN/control
                dpkg-deb --root-owner-group -Zgzip -z1 --build tree new/$(basename $package | sed s/0.0.1/0.0.2/)
                rm -r tree
            done
            cp old/*.deb new
            """,
        ])
        try #require(renewed.status == 0, "\(renewed.errors)")
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try await Self.make(in: directory.url)
        try await Self.$current.withValue(directory.url, operation: body)
    }
}

extension SuiteTrait where Self == MadePackages {
    static var madePackages: Self { MadePackages() }
}
