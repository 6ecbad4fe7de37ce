// SPDX-License-Identifier: Apache-2.0

/// Called when the program's first processor has a stack and its pages.
@c(runtime_prepare) func runtimePrepare() {
    prepareRegion()
    InterruptController().enable()
}
