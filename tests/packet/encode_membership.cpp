// SPDX-License-Identifier: MIT
// Membership reports: IGMP's have a checksum of their own, MLD is ICMPv6.
#include "encode.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kChecksumAt = 2;

template <class Record>
void put_record(Bytes& out, const Record& record) {
  put8(out, record.type);
  put8(out, record.auxiliary_words.value_or(record.auxiliary.size() / 4));
  put16(out, record.number_of_sources.value_or(record.sources.size()));
  put(out, record.group.octets);
  for (const auto& source : record.sources) put(out, source.octets);
  put(out, record.auxiliary);
}

template <class Report>
Bytes report_header(const Report& report, std::uint8_t type) {
  Bytes out;
  put8(out, type);
  put8(out, 0);
  put32(out, 0);
  put16(out, report.number_of_records.value_or(report.records.size()));
  for (const auto& record : report.records) put_record(out, record);
  return out;
}

template <class Message>
Bytes igmp(const Message& message, Bytes header, const Surroundings& around) {
  set16(header, kChecksumAt, message.checksum.value_or(message_checksum(around, header)));
  return header;
}

template <class Message>
Bytes mld(const Message& message, Bytes header, const Surroundings& around) {
  set16(header, kChecksumAt,
        message.checksum.value_or(transport_checksum(around, Message::kProtocol, header)));
  return header;
}

}  // namespace

Bytes encode(const Igmp& message, const Surroundings& around) {
  Bytes out;
  put8(out, message.type);
  put8(out, message.max_response);
  put16(out, 0);
  put(out, message.group.octets);
  return igmp(message, std::move(out), around);
}

Bytes encode(const IgmpV3Report& report, const Surroundings& around) {
  return igmp(report, report_header(report, 0x22), around);
}

Bytes encode(const Mld& message, const Surroundings& around) {
  Bytes out;
  put8(out, message.type);
  put8(out, 0);
  put16(out, 0);
  put16(out, message.max_response);
  put16(out, 0);
  put(out, message.group.octets);
  return mld(message, std::move(out), around);
}

Bytes encode(const MldV2Report& report, const Surroundings& around) {
  return mld(report, report_header(report, 143), around);
}

}  // namespace bpfvlan::test
