# What `cmake --install` puts where, and the Debian package that `cpack` makes of
# it. The man pages and completions are made from the programs' own --help.

# The unit and the package are for /usr; /usr/local is only CMake's own default.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr/local")
  set_property(CACHE CMAKE_INSTALL_PREFIX PROPERTY VALUE /usr)
endif()
include(GNUInstallDirs)
set(TAUD_UNIT_DIR /lib/systemd/system CACHE STRING
  "Where the unit of systemd goes; from Debian 13 on /usr/lib/systemd/system")
set(TAUD_CONFIG_FILE ${CMAKE_INSTALL_FULL_SYSCONFDIR}/taud/taud.yaml)
set(CPACK_PACKAGE_CONTACT "taud developers <maintainers@taud.example>")
find_program(SYSTEM_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

# The date of the release is that of its commit, so that two builds agree.
execute_process(COMMAND git log -1 --format=%cD
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE TAUD_RELEASE_DATE
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
execute_process(COMMAND git log -1 --format=%cs
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE TAUD_RELEASE_DAY
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(TAUD_RELEASE_DATE STREQUAL "")
  string(TIMESTAMP TAUD_RELEASE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
  string(TIMESTAMP TAUD_RELEASE_DAY "%Y-%m-%d" UTC)
endif()

set(DEPLOY ${CMAKE_SOURCE_DIR}/deploy)
set(PAGES ${CMAKE_BINARY_DIR}/pages)
configure_file(${DEPLOY}/taud.service.in ${CMAKE_BINARY_DIR}/taud.service @ONLY)
configure_file(${DEPLOY}/debian/changelog.in ${PAGES}/changelog.Debian @ONLY)

set(MAN_PAGES taud.8 taud.yaml.5 tauctl.1 tauctl-lab.1)
list(TRANSFORM MAN_PAGES PREPEND ${PAGES}/man/ OUTPUT_VARIABLE MAN_FILES)
set(COMPLETIONS bash/taud bash/tauctl zsh/_taud zsh/_tauctl fish/taud.fish
  fish/tauctl.fish)
list(TRANSFORM COMPLETIONS PREPEND ${PAGES}/)
list(TRANSFORM MAN_FILES APPEND .gz OUTPUT_VARIABLE PACKED)
list(APPEND PACKED ${PAGES}/changelog.gz ${PAGES}/changelog.Debian.gz)
add_custom_command(
  OUTPUT ${PACKED} ${COMPLETIONS} ${PAGES}/taud.yaml
  COMMAND ${SYSTEM_PYTHON} ${DEPLOY}/man_pages.py $<TARGET_FILE_DIR:taud>
          ${PROJECT_VERSION} ${TAUD_RELEASE_DAY} ${PAGES}/man
  COMMAND ${SYSTEM_PYTHON} ${DEPLOY}/completions.py $<TARGET_FILE_DIR:taud> ${PAGES}
  COMMAND $<TARGET_FILE:taud> --print-config --data-dir /var/lib/taud
          > ${PAGES}/taud.yaml
  COMMAND gzip -9nkf ${MAN_FILES} ${PAGES}/changelog.Debian
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${PAGES}/changelog.gz
  DEPENDS taud tauctl ${DEPLOY}/man_pages.py ${DEPLOY}/completions.py
          ${DEPLOY}/help_text.py ${CMAKE_SOURCE_DIR}/CHANGELOG.md
          ${PAGES}/changelog.Debian
  VERBATIM)
# What the programs are made of, for who looks for vulnerable libraries.
add_custom_command(
  OUTPUT ${PAGES}/taud.spdx.json
  COMMAND ${SYSTEM_PYTHON} ${DEPLOY}/sbom.py ${PROJECT_VERSION} ${TAUD_RELEASE_DAY}
          ${CMAKE_SOURCE_DIR}/web/package-lock.json ${PAGES}/taud.spdx.json
          $<TARGET_FILE:taud> $<TARGET_FILE:tauctl> $<TARGET_FILE:tauctl-lab>
  DEPENDS taud tauctl tauctl-lab ${DEPLOY}/sbom.py
          ${CMAKE_SOURCE_DIR}/web/package-lock.json
  VERBATIM)
add_custom_target(pages ALL DEPENDS ${PACKED} ${COMPLETIONS} ${PAGES}/taud.yaml
  ${PAGES}/taud.spdx.json)

install(TARGETS taud tauctl tauctl-lab RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PAGES}/taud.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/taud)
install(FILES ${CMAKE_BINARY_DIR}/taud.service DESTINATION ${TAUD_UNIT_DIR})
foreach(page ${MAN_PAGES})
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES ${PAGES}/man/${page}.gz
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES ${PAGES}/bash/taud ${PAGES}/bash/tauctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PAGES}/zsh/_taud ${PAGES}/zsh/_tauctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${PAGES}/fish/taud.fish ${PAGES}/fish/tauctl.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${DEPLOY}/debian/copyright ${CMAKE_SOURCE_DIR}/NOTICE
  ${PAGES}/changelog.gz ${PAGES}/changelog.Debian.gz ${PAGES}/taud.spdx.json
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/taud)
# Rules, alerts and dashboards, for a Prometheus and a Grafana that are there.
install(FILES ${CMAKE_SOURCE_DIR}/configs/prometheus/taud_recording.yml
  ${CMAKE_SOURCE_DIR}/configs/prometheus/taud_alerts.yml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/taud/prometheus)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs/grafana/generated/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/taud/grafana FILES_MATCHING PATTERN *.json)
# For a HAProxy in front, whose own file it becomes part of.
install(FILES ${CMAKE_SOURCE_DIR}/configs/haproxy/haproxy.cfg
  DESTINATION ${CMAKE_INSTALL_DATADIR}/taud/haproxy)
install(FILES ${DEPLOY}/debian/lintian-overrides RENAME taud
  DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME taud)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Symbols go into taud-dbgsym, which debuggers find by the build id; the
# programs are stripped. Without symbols there is nothing to put there.
if(TAUD_DEBUG_SYMBOLS)
  set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
else()
  set(CPACK_STRIP_FILES ON)
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# OpenBLAS by name: the reference BLAS, which the libraries would take as well, is
# twenty times slower.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "adduser, debconf (>= 0.5) | debconf-2.0, libopenblas0-pthread")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gnuplot-nox")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"recommendations learnt from a stream of interactions
taud keeps what users did with items, learns from it all the time, and answers
top-K recommendations over gRPC from what it has just learnt. What was
acknowledged is on disk, and counts at once.
.
The package has the daemon with a service of systemd, tauctl for everything a
person does with it, and the offline experiments.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${DEPLOY}/debian/postinst ${DEPLOY}/debian/prerm ${DEPLOY}/debian/postrm
  ${DEPLOY}/debian/templates ${DEPLOY}/debian/conffiles)
include(CPack)
