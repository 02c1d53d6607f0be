// SPDX-License-Identifier: LGPL-2.1-or-later

// For go-smtp 0.21, Debian 13's, where a session comes before it is known whose it is.
package main

import (
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{b, false}, nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		err := s.backend.logIn(username, password)
		s.known = err == nil
		return err
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(string, *smtp.RcptOptions) error { return nil }
