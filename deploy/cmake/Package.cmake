# What is installed, and the Debian package of it: cpack -G DEB (or deploy/package) over a build of the target muster.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # else tests and benchmarks would have to be built for it
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(muster_share "${CMAKE_INSTALL_DATADIR}/muster")
set(muster_doc "${CMAKE_INSTALL_DATADIR}/doc/muster")

install(TARGETS muster DESTINATION bin)
install(FILES deploy/systemd/muster-coordinator.service deploy/systemd/muster-node@.service DESTINATION lib/systemd/system)
install(FILES deploy/coordinator.yaml DESTINATION /etc/muster)
install(FILES deploy/python/muster.py DESTINATION lib/python3/dist-packages)
install(FILES deploy/grafana/muster.json DESTINATION ${muster_share}/grafana)
install(FILES deploy/prometheus/alerts.yml deploy/prometheus/alerts_test.yml DESTINATION ${muster_share}/prometheus)
install(DIRECTORY deploy/runbooks deploy/sample DESTINATION ${muster_share})
install(FILES deploy/CURL.md deploy/REFERENCE.md deploy/debian/README.Debian deploy/debian/copyright DESTINATION ${muster_doc})
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME muster)

# What the program writes about itself, what is compressed, and paths that are others once installed.
configure_file("${CMAKE_CURRENT_LIST_DIR}/install_written.cmake.in" "${CMAKE_BINARY_DIR}/install_written.cmake.in" @ONLY)
file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/install_written.cmake" INPUT "${CMAKE_BINARY_DIR}/install_written.cmake.in")
install(SCRIPT "${CMAKE_BINARY_DIR}/install_written.cmake")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME muster)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "Muster maintainers <maintainers@muster.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "query coordinator for vector databases")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Muster decides which query node of a vector database serves which segment\n\
and channel, makes it so, keeps it so while nodes join, drain and die, and\n\
can say why.\n\
.\n\
This package has the coordinator, the reference query node and the command\n\
line in one binary, with units for systemd, a client for Python, alert\n\
rules, a dashboard, runbooks and a sample to try it with.")
set(CPACK_INSTALL_PREFIX /usr) # with the next line: /etc is /etc
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE gzip) # xz: a third less, for ten seconds
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, prometheus")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/deploy/debian/conffiles;${CMAKE_SOURCE_DIR}/deploy/debian/postinst;${CMAKE_SOURCE_DIR}/deploy/debian/prerm;${CMAKE_SOURCE_DIR}/deploy/debian/postrm")
include(CPack)
