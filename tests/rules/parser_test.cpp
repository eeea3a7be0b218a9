// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpfvlan/rules.hpp"
#include "rules/words.hpp"

namespace bpfvlan {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Result<Rule> parse(const std::string& line, RuleFamily family = RuleFamily::Any) {
  return parse_rule(*split_words(line), family);
}

struct Pair {
  const char* given;
  const char* text;
};
class RuleText : public ::testing::TestWithParam<Pair> {};

// The texts are those of iptables-save 1.8.9 for the same options, but for -4, -6 and --endpoint.
TEST_P(RuleText, is_that_of_iptables_save) {
  const auto rule = parse(GetParam().given);
  ASSERT_TRUE(rule) << GetParam().given << "\n" << rule.error().what;
  EXPECT_EQ(to_text(*rule), GetParam().text);
  const auto again = parse(to_text(*rule));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, *rule);
  EXPECT_EQ(to_text(*again), to_text(*rule));
}

INSTANTIATE_TEST_SUITE_P(
    General, RuleText,
    ::testing::Values(
        Pair{"-j ACCEPT", "-j ACCEPT"}, Pair{"--jump DROP", "-j DROP"}, Pair{"-jDROP", "-j DROP"},
        Pair{"--jump=DROP", "-j DROP"}, Pair{"-4 -j ACCEPT", "-4 -j ACCEPT"},
        Pair{"--ipv6 -j ACCEPT", "-6 -j ACCEPT"}, Pair{"-4 -4 -j ACCEPT", "-4 -j ACCEPT"},
        Pair{"-j ACCEPT -p all", "-j ACCEPT"}, Pair{"-p 0 -j ACCEPT", "-j ACCEPT"},
        Pair{"-p tcp -j ACCEPT", "-p tcp -j ACCEPT"}, Pair{"-ptcp -j ACCEPT", "-p tcp -j ACCEPT"},
        Pair{"-p TCP -j DROP", "-p tcp -j DROP"}, Pair{"--protocol 6 -j DROP", "-p tcp -j DROP"},
        Pair{"! -p gre -j DROP", "! -p gre -j DROP"}, Pair{"-p 112 -j DROP", "-p vrrp -j DROP"},
        Pair{"-p 253 -j DROP", "-p 253 -j DROP"}, Pair{"-p icmp -j DROP", "-p icmp -j DROP"},
        Pair{"-4 -p 1 -j DROP", "-p icmp -j DROP"},
        Pair{"-p icmpv6 -j DROP", "-p ipv6-icmp -j DROP"},
        Pair{"! -p icmp -j DROP", "! -p icmp -j DROP"},
        Pair{"-m comment --comment plain -p udp -j ACCEPT",
             "-p udp -m comment --comment plain -j ACCEPT"},
        Pair{R"(--comment "it's a \"b\" \\ c" -j DROP)",
             R"(-m comment --comment "it\'s a \"b\" \\ c" -j DROP)"},
        Pair{R"(-m comment --comment "" -j ACCEPT)", R"(-m comment --comment "" -j ACCEPT)"},
        Pair{"--comment=a=b -j ACCEPT", R"(-m comment --comment "a=b" -j ACCEPT)"},
        Pair{"--comment -j -j ACCEPT", "-m comment --comment -j -j ACCEPT"},
        Pair{"--comment ! -j ACCEPT", R"(-m comment --comment "!" -j ACCEPT)"},
        Pair{"--endpoint red -j DROP", "-m endpoint --endpoint red -j DROP"},
        Pair{"-m endpoint ! --endpoint a.b -j DROP", R"(-m endpoint ! --endpoint "a.b" -j DROP)"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, RuleText,
    ::testing::Values(
        Pair{"-s 10.1.2.3/8 ! -d 192.0.2.1 -j DROP", "-s 10.0.0.0/8 ! -d 192.0.2.1/32 -j DROP"},
        Pair{"--src 10.0.0.0/255.0.0.0 -j DROP", "-s 10.0.0.0/8 -j DROP"},
        Pair{"--source 10.9.8.7/255.255.254.0 -j DROP", "-s 10.9.8.0/23 -j DROP"},
        Pair{"-s 0.0.0.0/0 -j DROP", "-4 -j DROP"}, Pair{"-s ::/0 -j DROP", "-6 -j DROP"},
        Pair{"! -s 0.0.0.0/0 -j DROP", "! -s 0.0.0.0/0 -j DROP"},
        Pair{"-s 0.0.0.0/0 -d 10.0.0.1 -j DROP", "-d 10.0.0.1/32 -j DROP"},
        Pair{"-d 1.2.3.4/0.0.0.0 -j DROP", "-4 -j DROP"},
        Pair{"-d FD00:0::1/8 -j DROP", "-d fd00::/8 -j DROP"},
        Pair{"--destination 2001:db8::1 -j DROP", "-d 2001:db8::1/128 -j DROP"},
        Pair{"--dst 2001:db8::ffff/ffff:ffff:ffff:: -j DROP", "-d 2001:db8::/48 -j DROP"},
        Pair{"-s fe80::ffff/121 -j DROP", "-s fe80::ff80/121 -j DROP"},
        Pair{"-s 10.0.0.1 -4 -j DROP", "-s 10.0.0.1/32 -j DROP"}));

INSTANTIATE_TEST_SUITE_P(
    Ports, RuleText,
    ::testing::Values(
        Pair{"-p tcp --dport 80 --sport 1024: -j ACCEPT",
             "-p tcp -m tcp --sport 1024:65535 --dport 80 -j ACCEPT"},
        Pair{"--dport http -p tcp -j ACCEPT", "-p tcp -m tcp --dport 80 -j ACCEPT"},
        Pair{"-p udp -m udp ! --destination-port :53 -j ACCEPT",
             "-p udp -m udp ! --dport 0:53 -j ACCEPT"},
        Pair{"-p udp --source-port 0:65535 -j DROP", "-p udp -j DROP"},
        Pair{"-p udp --sport : -j DROP", "-p udp -j DROP"},
        Pair{"-p udp ! --sport : -j DROP", "-p udp -m udp ! --sport 0:65535 -j DROP"},
        Pair{"-p sctp --dport 5 -j ACCEPT", "-p sctp -m sctp --dport 5 -j ACCEPT"},
        Pair{"-p tcp --dport=ssh:telnet -j ACCEPT", "-p tcp -m tcp --dport 22:23 -j ACCEPT"},
        Pair{"-p tcp -m multiport ! --dports 80,443,1000:2000 -j DROP",
             "-p tcp -m multiport ! --dports 80,443,1000:2000 -j DROP"},
        Pair{"-p udplite -m multiport --destination-ports 1 -j DROP",
             "-p udplite -m multiport --dports 1 -j DROP"},
        Pair{"-p udp -m udp --sport 5 -m multiport --ports domain,2 -j DROP",
             "-p udp -m udp --sport 5 -m multiport --ports 53,2 -j DROP"},
        Pair{"-p tcp --source-ports 1,2 -m multiport --dports 3:3 -j DROP",
             "-p tcp -m multiport --sports 1,2 -m multiport --dports 3 -j DROP"},
        Pair{"-p tcp --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 -j DROP",
             "-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 -j DROP"}));

INSTANTIATE_TEST_SUITE_P(
    Transport, RuleText,
    ::testing::Values(
        Pair{"-p icmp --icmp-type echo-request -j DROP", "-p icmp -m icmp --icmp-type 8 -j DROP"},
        Pair{"-p icmp -m icmp ! --icmp-type any -j DROP",
             "-p icmp -m icmp ! --icmp-type any -j DROP"},
        Pair{"-p icmp --icmp-type port-unreachable -j DROP",
             "-p icmp -m icmp --icmp-type 3/3 -j DROP"},
        Pair{"-p icmp --icmp-type 5/1 -j DROP", "-p icmp -m icmp --icmp-type 5/1 -j DROP"},
        Pair{"-p icmp --icmp-type 255 -j DROP", "-p icmp -m icmp --icmp-type any -j DROP"},
        Pair{"-p ipv6-icmp -m icmp6 --icmpv6-type echo-request -j DROP",
             "-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP"},
        Pair{"-p 58 ! --icmpv6-type no-route -j DROP",
             "-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/0 -j DROP"},
        Pair{"-p tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"},
        Pair{"-p tcp ! --syn -j DROP", "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"},
        Pair{"-p tcp --tcp-flags ALL NONE -j DROP",
             "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP"},
        Pair{"-p tcp ! --tcp-flags ack,syn URG --dport 1 -j DROP",
             "-p tcp -m tcp --dport 1 ! --tcp-flags SYN,ACK URG -j DROP"},
        Pair{"-p tcp --tcp-flags NONE NONE -j DROP", "-p tcp -j DROP"},
        Pair{"-p tcp ! --tcp-flags NONE NONE -j DROP",
             "-p tcp -m tcp ! --tcp-flags NONE NONE -j DROP"},
        Pair{"--ctstate NEW,ESTABLISHED,RELATED,INVALID -j DROP",
             "-m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED -j DROP"},
        Pair{"-m conntrack ! --ctstate established -j DROP",
             "-m conntrack ! --ctstate ESTABLISHED -j DROP"},
        Pair{"-m state --state NEW -j DROP", "-m conntrack --ctstate NEW -j DROP"}));

INSTANTIATE_TEST_SUITE_P(
    Reject, RuleText,
    ::testing::Values(Pair{"-j REJECT", "-j REJECT"},
                      Pair{"-j REJECT --reject-with port-unreach", "-j REJECT"},
                      Pair{"-4 -j REJECT", "-j REJECT --reject-with icmp-port-unreachable"},
                      Pair{"-6 -j REJECT", "-j REJECT --reject-with icmp6-port-unreachable"},
                      Pair{"-s ::/0 -j REJECT --reject-with port-unreach",
                           "-j REJECT --reject-with icmp6-port-unreachable"},
                      Pair{"-s 10.0.0.1 -j REJECT",
                           "-s 10.0.0.1/32 -j REJECT --reject-with icmp-port-unreachable"},
                      Pair{"-j REJECT --reject-with host-prohib",
                           "-j REJECT --reject-with icmp-host-prohibited"},
                      Pair{"-j REJECT --reject-with icmp6-adm-prohibited",
                           "-j REJECT --reject-with icmp6-adm-prohibited"},
                      Pair{"-p tcp -j REJECT --reject-with tcp-reset",
                           "-p tcp -j REJECT --reject-with tcp-reset"},
                      Pair{"-6 -p tcp -j REJECT --reject-with tcp-rst",
                           "-6 -p tcp -j REJECT --reject-with tcp-reset"}));

struct Wrong {
  const char* given;
  const char* where;
  const char* why;
};
class WrongRule : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongRule, is_refused_with_the_place_and_the_reason) {
  const auto rule = parse(GetParam().given);
  ASSERT_FALSE(rule) << to_text(*rule);
  EXPECT_THAT(rule.error().what, AllOf(HasSubstr(GetParam().where), HasSubstr(GetParam().why)));
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, WrongRule,
    ::testing::Values(
        Wrong{"", "a rule needs -j", ""}, Wrong{"-p tcp", "after word 2", "needs -j"},
        Wrong{"! -j ACCEPT", "word 2 ('-j')", "cannot have '!'"},
        Wrong{"-j ACCEPT !", "word 3 ('!')", "no option after it"},
        Wrong{"! ! -s 10.0.0.1 -j DROP", "word 2 ('!')", "an option was expected"},
        Wrong{"-s ! 10.0.0.1 -j DROP", "word 2 ('!')", "comes before the option: ! -s"},
        Wrong{"-j", "word 1 ('-j')", "value is missing"},
        Wrong{"-j ACCEPT more", "word 3 ('more')", "an option was expected"},
        Wrong{"-j ACCEPT -", "word 3 ('-')", "an option was expected"},
        Wrong{"-j ACCEPT -j DROP", "word 3 ('-j')", "given twice"},
        Wrong{"-s 10.0.0.1 --source 10.0.0.2 -j DROP", "word 3 ('--source')", "given twice"},
        Wrong{"-j LOG", "word 2 ('LOG')", "ACCEPT, DROP, REJECT"},
        Wrong{"-j accept", "word 2 ('accept')", "ACCEPT, DROP, REJECT"},
        Wrong{"-i eth0 -j DROP", "word 1 ('-i')", "--endpoint"},
        Wrong{"-o eth0 -j DROP", "word 1 ('-o')", "--endpoint"},
        Wrong{"-f -j DROP", "word 1 ('-f')", "fragments"},
        Wrong{"-g x", "word 1 ('-g')", "no chains"},
        Wrong{"-t nat -j DROP", "word 1 ('-t')", "one table"},
        Wrong{"-c 1 2 -j DROP", "word 1 ('-c')", "restore -c"},
        Wrong{"-m limit --limit 5/s -j DROP", "word 3 ('--limit')", "not an option of rules"},
        Wrong{"-m limit -j DROP", "word 2 ('limit')", "not a match that is known"},
        Wrong{"--dport=80 --sp 5 -j DROP", "word 2 ('--sp')", "not an option of rules"},
        Wrong{"-p tcp --syn=1 -j DROP", "word 3 ('--syn=1')", "takes no value"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, WrongRule,
    ::testing::Values(
        Wrong{"-s 10.0.0.256 -j DROP", "word 2 ('10.0.0.256')", "not an IPv4 or IPv6 address"},
        Wrong{"-s host -j DROP", "word 2 ('host')", "not an IPv4 or IPv6 address"},
        Wrong{"-s 10.0.0.1,10.0.0.2 -j DROP", "word 2", "rules of their own"},
        Wrong{"-s 10.0.0.0/33 -j DROP", "word 2 ('10.0.0.0/33')", "0 to 32"},
        Wrong{"-s 10.0.0.0/ -j DROP", "word 2", "0 to 32"},
        Wrong{"-s fd00::/129 -j DROP", "word 2", "0 to 128"},
        Wrong{"-s 10.0.0.0/255.0.255.0 -j DROP", "word 2", "ones in front"},
        Wrong{"-s 10.0.0.0/0.255.0.0 -j DROP", "word 2", "ones in front"},
        Wrong{"-s 10.0.0.0/253.0.0.0 -j DROP", "word 2", "ones in front"},
        Wrong{"-s 10.0.0.1 -d fd00::1 -j DROP", "word 4 ('fd00::1')", "IPv6, but the rule is IPv4"},
        Wrong{"-s 10.0.0.1 -j DROP -6", "word 2 ('10.0.0.1')", "IPv4, but the rule is IPv6"},
        Wrong{"-4 -6 -j DROP", "word 2 ('-6')", "IPv6, but the rule is IPv4"},
        Wrong{"-6 -p icmp -j DROP", "word 3 ('icmp')", "IPv4, but the rule is IPv6"},
        Wrong{"-p icmpv6 -s 10.0.0.1 -j DROP", "word 2 ('icmpv6')", "IPv6, but the rule is IPv4"},
        Wrong{"-s 10.0.0.1 -j REJECT --reject-with icmp6-no-route", "word 6", "IPv6, but"},
        Wrong{"--endpoint 0123456789012345678901234567890123456789012345678901234567890123 -j DROP",
              "word 2", "not the name"}));

INSTANTIATE_TEST_SUITE_P(
    Values, WrongRule,
    ::testing::Values(
        Wrong{"-p tcpp -j DROP", "word 2 ('tcpp')", "not a protocol"},
        Wrong{"-p 256 -j DROP", "word 2 ('256')", "not a protocol"},
        Wrong{"! -p all -j DROP", "word 3 ('all')", "no packet"},
        Wrong{"--dport 80 -j DROP", "word 1 ('--dport')", "needs -p tcp"},
        Wrong{"-p icmp --dport 80 -j DROP", "word 3 ('--dport')", "needs -p tcp"},
        Wrong{"! -p tcp --dport 80 -j DROP", "word 4 ('--dport')", "needs -p tcp"},
        Wrong{"-p udplite --dport 80 -j DROP", "word 3 ('--dport')", "needs -p tcp"},
        Wrong{"-p udp -m tcp -j DROP", "word 4 ('tcp')", "needs -p tcp"},
        Wrong{"-p tcp --dport 65536 -j DROP", "word 4 ('65536')", "0 to 65535"},
        Wrong{"-p tcp --dport -1 -j DROP", "word 4 ('-1')", "0 to 65535"},
        Wrong{"-p tcp --dport nonesuch -j DROP", "word 4 ('nonesuch')", "service"},
        Wrong{"-p tcp --dport 80,81 -j DROP", "word 4", "--dports"},
        Wrong{"-p tcp --dport 20:10 -j DROP", "word 4 ('20:10')", "ends before it begins"},
        Wrong{"-p tcp --dport 1:2:3 -j DROP", "word 4 ('1:2:3')", "0 to 65535"},
        Wrong{"-m multiport --dports 80 -j DROP", "word 3 ('--dports')", "needs -p tcp"},
        Wrong{"-p tcp --dports 80,,81 -j DROP", "word 4", "in a list"},
        Wrong{"-p tcp --dports 80, -j DROP", "word 4", "in a list"},
        Wrong{"-p tcp --dports 80,:81 -j DROP", "word 4", "in a list"},
        Wrong{"-p tcp --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15,16 -j DROP", "word 4",
              "more than 15"},
        Wrong{"--icmp-type 8 -j DROP", "word 1 ('--icmp-type')", "needs -p icmp"},
        Wrong{"-p icmp --icmpv6-type 8 -j DROP", "word 3", "needs -p ipv6-icmp"},
        Wrong{"-p icmp --icmp-type 256 -j DROP", "word 4 ('256')", "not a type of ICMP"},
        Wrong{"-p icmp --icmp-type 3/256 -j DROP", "word 4", "not a type of ICMP"},
        Wrong{"-p icmp --icmp-type no-route -j DROP", "word 4", "not a type of ICMP"},
        Wrong{"-p icmpv6 --icmpv6-type any -j DROP", "word 4", "not a type of ICMPv6"},
        Wrong{"--syn -j DROP", "word 1 ('--syn')", "needs -p tcp"},
        Wrong{"-j DROP -p tcp --tcp-flags SYN", "word 5 ('--tcp-flags')", "value is missing"},
        Wrong{"-p tcp --tcp-flags SYN,XXX SYN -j DROP", "word 4", "'XXX' is not one of: FIN"},
        Wrong{"-p tcp --syn --tcp-flags SYN SYN -j DROP", "word 4", "exclude each other"},
        Wrong{"--ctstate UNTRACKED -j DROP", "word 2", "'UNTRACKED' is not one of: NEW"},
        Wrong{"--ctstate NEW,DNAT -j DROP", "word 2", "'DNAT' is not one of: NEW"},
        Wrong{"--ctstate NEW, -j DROP", "word 2", "'' is not one of: NEW"},
        Wrong{"--state NEW --ctstate NEW -j DROP", "word 1 ('--state')", "exclude each other"},
        Wrong{"-j DROP --reject-with tcp-reset", "word 3 ('--reject-with')", "needs -j REJECT"},
        Wrong{"-j REJECT --reject-with tcp-reset", "word 4 ('tcp-reset')", "needs -p tcp"},
        Wrong{"-p udp -j REJECT --reject-with tcp-reset", "word 6", "needs -p tcp"},
        Wrong{"-j REJECT --reject-with echo", "word 4 ('echo')", "not one of: icmp-net"},
        Wrong{"--comment \"a\x01 b\" -j DROP", "word 2", "one line"}));

TEST(Rule, of_a_family_that_is_given_is_nothing_else) {
  EXPECT_EQ(to_text(*parse("-j ACCEPT", RuleFamily::IPv6)), "-6 -j ACCEPT");
  EXPECT_EQ(to_text(*parse("-j REJECT", RuleFamily::IPv4)),
            "-j REJECT --reject-with icmp-port-unreachable");
  EXPECT_THAT(parse("-s 10.0.0.1 -j ACCEPT", RuleFamily::IPv6).error().what,
              HasSubstr("IPv4, but the rule is IPv6"));
}

TEST(Rule, comments_are_at_most_255_bytes_long) {
  const std::vector<std::string> words = {"--comment", std::string(255, 'x'), "-j", "DROP"};
  EXPECT_TRUE(parse_rule(words));
  const std::vector<std::string> more = {"--comment", std::string(256, 'x'), "-j", "DROP"};
  EXPECT_THAT(parse_rule(more).error().what, HasSubstr("longer than 255 bytes"));
}

TEST(Rule, words_are_counted_from_where_they_stand) {
  const std::vector<std::string> words = {"-j", "LOG"};
  EXPECT_THAT(parse_rule(words, RuleFamily::Any, 3).error().what, HasSubstr("word 4 ('LOG')"));
}

}  // namespace
}  // namespace bpfvlan
