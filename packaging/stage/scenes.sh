# shellcheck shell=bash
# The clients that the stage shows, and what has to come out of each.

fail() {
  say "   NOT AS EXPECTED: $*"
  failures=$((failures + 1))
}

# danegate's verdicts below a line of its log; the one that a refusal refers to comes first.
verdicts_since() { # LINE REPLY
  local lines
  lines=$(tail -n "+$(($1 + 1))" "$stage/log/danegated" | grep 'event=verdict') || return 1
  if [[ $2 =~ \[ref\ ([^]]+)\] ]]; then
    grep " ref=${BASH_REMATCH[1]} " <<<"$lines" || return 1
  fi
  printf '%s\n' "$lines"
}

delivered() { # SUBJECT: the file of a delivered message
  grep -lsrF "Subject: $1" "$stage/mail/inbox/new"
}

# All fields that look like danegate's, unfolded.
fields() { # FILE
  sed -e '/^$/q' -e ':next' -e 'N' -e '$!{/\n[ \t]/s/\n[ \t]*/ /;t next' -e '}' -e 'P;D' "$1" |
    grep -i '^Authentication-Results:'
}

check_log() { # LINES RESULT REASON REPLY
  head -n 1 <<<"$1" | grep -q " result=$2 reason=$3 " || fail "the log should say result=$2 reason=$3"
  [[ $4 != [45]* || $4 == *"[ref "* ]] || fail "the refusal has no reference"
}

# Sends one message and shows what became of it: the reply, the field, the log.
scene() { # TITLE SENDER REPLY-CODE RESULT REASON OPTIONS OF smtp-send...
  local title=$1 sender=$2 code=$3 result=$4 reason=$5 reply lines subject=scene-$RANDOM$RANDOM mark field=
  shift 5
  mark=$(wc -l <"$stage/log/danegated")
  reply=$("$stage_parts/smtp-send" --connect "127.0.0.1:$smtp_port" --sender "$sender" --to "postmaster@example.net" \
    --subject "$subject" --transcript "$stage/log/$subject" "$@") || [ $? -eq 1 ] || {
    cat "$stage/log/$subject" >&2
    die "no SMTP dialogue with the stage's Postfix"
  }
  wait_for "danegate's verdict" "$stage/log/danegated" verdicts_since "$mark" "$reply"
  lines=$(verdicts_since "$mark" "$reply")
  say "$title"
  say "   reply:    $reply"
  if [ "$code" = 250 ]; then
    wait_for "the delivered message" "$stage/log/mail" delivered "$subject"
    field=$(fields "$(delivered "$subject")") || field="no field"
    say "   header:   $field"
  else
    say "   header:   none, the message was refused"
  fi
  say "   danegate: $(head -n 1 <<<"$lines")"
  [[ $reply == "$code"* ]] || fail "the reply should be $code"
  [ "$code" != 250 ] || [[ $field == *"x-dane-client=$result"*"$reason"* ]] || fail "the field should say $result, $reason"
  [[ $field != *$'\n'* ]] || fail "there should be one field"
  check_log "$lines" "$result" "$reason" "$reply"
  say
}

credential() { # NAME: the options that show it
  echo "--cert $stage/keys/$1.pem --key $stage/keys/$1.key"
}

play_scenes() {
  local partner impostor forged
  read -ra partner < <(credential partner)
  read -ra impostor < <(credential impostor)
  scene "1. The partner's own server, with the key that acme.example publishes:" \
    ceo@acme.example 250 pass match --helo mta1.acme.example "${partner[@]}"
  scene "2. An impostor that says the same name and shows another key:" \
    ceo@acme.example 550 fail mismatch --helo mta1.acme.example "${impostor[@]}"
  scene "3. An impostor that shows no certificate:" \
    ceo@acme.example 550 none no-certificate --helo mta1.acme.example
  forged="Authentication-Results: mx.example.net; x-dane-client=pass policy.dane-id=mta1.acme.example"
  scene "4. Anybody else, whose mail no rule speaks of, but in whose mail this stands:
   sent:     $forged" \
    someone@elsewhere.example 250 none no-certificate --helo mail.elsewhere.example --field "$forged"
  scene "5. The same sender, in whose mail \"From: ceo@acme.example\" stands; refused at its end:" \
    someone@elsewhere.example 550 none no-certificate --helo mail.elsewhere.example --from ceo@acme.example
  grep -q ' state=END-OF-MESSAGE service=smtp rule=acme-from .* action=reject ' "$stage/log/danegated" ||
    fail "the rule acme-from should have refused it at end of message"
  if [ -n "$no_raw_keys" ]; then
    say "6. A raw public key: not shown, $no_raw_keys"
    say
  else
    scene "6. The partner's own server with a raw public key, no certificate at all:" \
      ceo@acme.example 250 pass match --helo mta1.acme.example "${partner[@]}" --raw-key
    grep -q 'raw public key' "$stage/log/mail" || fail "Postfix should have seen a raw public key"
  fi
}
