# SPDX-License-Identifier: Apache-2.0
#
# For CMake: include it, then
#
#   target_link_rtems_jailhouse(TARGET)
#
# instead of linking RTEMS's BSP by hand. RTEMS_PREFIX, RTEMS_BSP (pc686, or
# a53_lp64_qemu for Arm64) and RTEMS_VERSION (6) say where and which;
# `make install` of inmates/rtems has put the layer beside the BSP.

set(RTEMS_BSP "pc686" CACHE STRING "BSP of RTEMS's pc386 family, or one for aarch64")
set(RTEMS_VERSION "6" CACHE STRING "RTEMS's version")

if(RTEMS_BSP MATCHES "^pc")
    set(RTEMS_TARGET i386-rtems${RTEMS_VERSION})
else()
    set(RTEMS_TARGET aarch64-rtems${RTEMS_VERSION})
endif()

function(target_link_rtems_jailhouse target)
    find_package(PkgConfig REQUIRED)
    set(ENV{PKG_CONFIG_PATH} "${RTEMS_PREFIX}/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
    pkg_check_modules(JAILHOUSE REQUIRED rtems-jailhouse-${RTEMS_BSP})
    pkg_check_modules(RTEMS REQUIRED ${RTEMS_TARGET}-${RTEMS_BSP})
    target_compile_options(${target} PRIVATE ${RTEMS_CFLAGS} ${JAILHOUSE_CFLAGS})
    # as libraries, "-T linkcmds" would become "-T -llinkcmds"; the BSP's own come last, by its -qrtems, behind the layer
    list(JOIN RTEMS_LDFLAGS " " options)
    target_link_options(${target} PRIVATE "SHELL:${options}")
    target_link_libraries(${target} PRIVATE ${JAILHOUSE_LDFLAGS})
endfunction()
