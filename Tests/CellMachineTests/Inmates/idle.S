// SPDX-License-Identifier: Apache-2.0
    .include "common.S"
    begin
    print "idle\n"
    jmp stop
    library
