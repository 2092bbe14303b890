//! The rows.

use super::{ExitCode, GrpcCode};

/// Declares the reasons, each row complete, and the conversions from them.
macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $name:literal, $grpc:ident, $exit:ident, $anpr:expr,
            $english:literal, $remedy_english:literal,
            $italian:literal, $remedy_italian:literal;
    )+) => {
        /// Why a call got no data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire and in logs; it never changes its meaning.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The gRPC status code.
            pub const fn grpc(self) -> GrpcCode {
                match self { $(Self::$variant => GrpcCode::$grpc,)+ }
            }

            /// The exit code of the command line.
            pub const fn exit(self) -> ExitCode {
                match self { $(Self::$variant => ExitCode::$exit,)+ }
            }

            /// The ANPR code of the same meaning.
            pub const fn anpr(self) -> Option<&'static str> {
                match self { $(Self::$variant => $anpr,)+ }
            }

            /// What happened, in English.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$variant => $english,)+ }
            }

            /// What happened, in Italian.
            pub const fn italian(self) -> &'static str {
                match self { $(Self::$variant => $italian,)+ }
            }

            /// What the caller can do, in English.
            pub const fn remedy_english(self) -> &'static str {
                match self { $(Self::$variant => $remedy_english,)+ }
            }

            /// What the caller can do, in Italian.
            pub const fn remedy_italian(self) -> &'static str {
                match self { $(Self::$variant => $remedy_italian,)+ }
            }

            /// Reads a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

reasons! {
    // Who calls, and how.
    /// The certificate carries no identity of Ponte.
    PeerNotIdentified = "PEER_NOT_IDENTIFIED", Unauthenticated, Denied, None,
        "the certificate carries no identity of this installation",
        "use a certificate issued for this installation",
        "il certificato non porta un'identità di questa installazione",
        "usare un certificato emesso per questa installazione";
    /// The certificate was revoked or expired while the connection was open.
    PeerRevoked = "PEER_REVOKED", PermissionDenied, Denied, None,
        "the certificate is no longer accepted",
        "renew the certificate and connect again",
        "il certificato non è più accettato",
        "rinnovare il certificato e ricollegarsi";
    /// The role may not call the service.
    RoleNotAllowed = "ROLE_NOT_ALLOWED", PermissionDenied, Denied, None,
        "the service is not open to this role",
        "use the services of your own role",
        "il servizio non è aperto a questo ruolo",
        "usare i servizi del proprio ruolo";
    /// No such method.
    UnknownMethod = "UNKNOWN_METHOD", Unimplemented, Usage, None,
        "no such method",
        "compare the versions of client and index",
        "metodo inesistente",
        "confrontare le versioni di client e indice";
    /// The message is no message of the method.
    MessageUndecodable = "MESSAGE_UNDECODABLE", InvalidArgument, Usage, None,
        "the message cannot be decoded",
        "compare the versions of client and index",
        "il messaggio non è decodificabile",
        "confrontare le versioni di client e indice";
    /// The message is larger than admitted.
    MessageTooLarge = "MESSAGE_TOO_LARGE", ResourceExhausted, Usage, None,
        "the message exceeds the admitted size",
        "send smaller messages",
        "il messaggio supera la dimensione ammessa",
        "inviare messaggi più piccoli";
    /// The metadata hold a header that is repeated, malformed or reserved.
    MetadataInvalid = "METADATA_INVALID", InvalidArgument, Usage, None,
        "the call's metadata are not admitted",
        "send each header once and none that is reserved",
        "i metadati della chiamata non sono ammessi",
        "inviare ogni intestazione una sola volta e nessuna riservata";
    /// The deadline passed before the answer was ready.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded, Unavailable, None,
        "the deadline passed; the access may have been logged",
        "try again with the same request id and a longer deadline",
        "termine scaduto; l'accesso può essere stato registrato",
        "riprovare con lo stesso identificativo di richiesta e un termine più lungo";
    /// More calls at once than admitted.
    Busy = "BUSY", ResourceExhausted, Unavailable, Some("999"),
        "too many calls at once; nothing was read",
        "try again after the stated delay",
        "troppe chiamate contemporanee; nulla è stato letto",
        "riprovare dopo l'attesa indicata";
    /// The index starts, stops or has lost a part.
    Unavailable = "UNAVAILABLE", Unavailable, Unavailable, Some("999"),
        "the service is not available now",
        "try again later with the same request id",
        "il servizio non è al momento disponibile",
        "riprovare più tardi con lo stesso identificativo di richiesta";
    /// The access log cannot take the entry, so nothing is disclosed.
    LogUnavailable = "LOG_UNAVAILABLE", Unavailable, Unavailable, Some("999"),
        "the access cannot be logged, so nothing is disclosed",
        "try again later with the same request id",
        "l'accesso non può essere registrato, quindi nulla viene comunicato",
        "riprovare più tardi con lo stesso identificativo di richiesta";
    /// Acknowledged changes are lost, and not every municipality has been heard since: what is held may be of before a
    /// protection or a seal.
    IndexRestoring = "INDEX_RESTORING", Unavailable, Unavailable, Some("999"),
        "the index is being restored; nothing was read",
        "try again later with the same request id",
        "l'indice è in fase di ripristino; nulla è stato letto",
        "riprovare più tardi con lo stesso identificativo di richiesta";
    /// Too few witnesses have cosigned the access log for longer than is stated: the log could show different histories
    /// to different readers, and nobody would notice.
    WitnessesMissing = "WITNESSES_MISSING", Unavailable, Unavailable, Some("999"),
        "too few witnesses have cosigned the access log for too long; nothing was read",
        "try again later with the same request id",
        "da troppo tempo il registro degli accessi non è cofirmato da abbastanza testimoni; nulla è stato letto",
        "riprovare più tardi con lo stesso identificativo di richiesta";
    /// A fault of the index.
    Internal = "INTERNAL", Internal, Internal, Some("999"),
        "an internal fault",
        "report the request id to whoever runs the index",
        "errore interno",
        "comunicare l'identificativo di richiesta al gestore dell'indice";

    // What was asked.
    /// A field of the request is missing or malformed.
    InvalidArgument = "INVALID_ARGUMENT", InvalidArgument, Usage, Some("EN081"),
        "a field of the request is missing or malformed",
        "correct the named fields",
        "un campo della richiesta manca o non è corretto",
        "correggere i campi indicati";
    /// The codice fiscale is formally wrong. Says nothing about existence.
    TaxCodeInvalid = "TAX_CODE_INVALID", InvalidArgument, Usage, Some("EN081"),
        "the codice fiscale is formally wrong",
        "check the code as typed",
        "il codice fiscale è formalmente errato",
        "verificare il codice digitato";
    /// The reference date lies after today.
    ReferenceDateInFuture = "REFERENCE_DATE_IN_FUTURE", InvalidArgument, Usage, Some("EHR15"),
        "the reference date lies after today",
        "ask for today or an earlier day",
        "la data di riferimento è successiva a oggi",
        "indicare oggi o un giorno precedente";
    /// The request id was used for another request in the last 24 hours.
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists, Conflict, None,
        "the request id was already used for another request",
        "use a new request id for each new request",
        "l'identificativo di richiesta è già stato usato per un'altra richiesta",
        "usare un nuovo identificativo per ogni nuova richiesta";
    /// The page token is not of this index, this caller or this query.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument, Usage, None,
        "the page token is not valid for this query",
        "start again from the first page",
        "il segnaposto di pagina non vale per questa interrogazione",
        "ripartire dalla prima pagina";
    /// Nobody to show: does not exist or is not visible, which is the same to the caller.
    NotFound = "NOT_FOUND", NotFound, NotFound, Some("EN122"),
        "nothing was found that this agreement shows",
        "check the identifier",
        "nessun risultato visibile con questa convenzione",
        "verificare l'identificativo";
    /// More persons than a search may show.
    TooManyFound = "TOO_MANY_FOUND", FailedPrecondition, Usage, Some("EN115"),
        "more persons answer the search than it may show",
        "give more of the name or of the codice fiscale, the birth date or the municipality",
        "la ricerca trova più persone di quante ne può mostrare",
        "indicare una parte maggiore del nome o del codice fiscale, la data di nascita o il comune";
    /// More residents of an address than the agreement shows.
    TooManyResidents = "TOO_MANY_RESIDENTS", FailedPrecondition, Usage, Some("EN115"),
        "more residents have the address than the agreement shows",
        "give the suffix, the staircase or the internal number",
        "all'indirizzo risiedono più persone di quante ne mostra la convenzione",
        "indicare l'esponente, la scala o l'interno";
    /// A handle from a search that has passed its time, or of another operator or agreement.
    HandleInvalid = "HANDLE_INVALID", FailedPrecondition, Usage, None,
        "the handle is not valid, or no longer, for this operator",
        "search again: a handle is valid for 10 minutes",
        "il riferimento non è valido, o non lo è più, per questo operatore",
        "ripetere la ricerca: un riferimento vale 10 minuti";

    // Whether the agreement grants it.
    /// There is no such agreement of the caller.
    AgreementUnknown = "AGREEMENT_UNKNOWN", PermissionDenied, Denied, Some("EN148"),
        "no such agreement of this agency",
        "name an agreement of your own; describe-access lists them",
        "nessuna convenzione di questo ente con tale identificativo",
        "indicare una propria convenzione; describe-access le elenca";
    /// The agreement was revoked.
    AgreementRevoked = "AGREEMENT_REVOKED", PermissionDenied, Denied, Some("EN148"),
        "the agreement was revoked",
        "a new agreement is needed",
        "la convenzione è stata revocata",
        "occorre una nuova convenzione";
    /// The agreement begins later.
    AgreementNotYetValid = "AGREEMENT_NOT_YET_VALID", PermissionDenied, Denied, Some("EN148"),
        "the agreement is not yet in force",
        "wait for the stated day",
        "la convenzione non è ancora in vigore",
        "attendere il giorno indicato";
    /// The agreement has ended.
    AgreementExpired = "AGREEMENT_EXPIRED", PermissionDenied, Denied, Some("EN148"),
        "the agreement has expired",
        "renew the agreement",
        "la convenzione è scaduta",
        "rinnovare la convenzione";
    /// Outside the hours of service.
    OutsideHours = "OUTSIDE_HOURS", PermissionDenied, Denied, None,
        "outside the hours of service of the agreement",
        "call in the stated hours, Europe/Rome",
        "fuori dall'orario di servizio della convenzione",
        "chiamare nell'orario indicato, ora italiana";
    /// From an address that the agreement does not name.
    OutsideNetwork = "OUTSIDE_NETWORK", PermissionDenied, Denied, None,
        "the call comes from a network the agreement does not name",
        "call from a registered network",
        "la chiamata proviene da una rete non prevista dalla convenzione",
        "chiamare da una rete registrata";
    /// With a certificate that the agreement does not name.
    CertificateNotPinned = "CERTIFICATE_NOT_PINNED", PermissionDenied, Denied, None,
        "the agreement does not name this certificate",
        "use a certificate named by the agreement",
        "la convenzione non prevede questo certificato",
        "usare un certificato previsto dalla convenzione";
    /// No such purpose in the agreement.
    PurposeUnknown = "PURPOSE_UNKNOWN", PermissionDenied, Denied, Some("EN148"),
        "the agreement has no such purpose",
        "name one of the purposes of the agreement",
        "la convenzione non prevede questa finalità",
        "indicare una delle finalità della convenzione";
    /// The purpose does not grant the service.
    ServiceNotGranted = "SERVICE_NOT_GRANTED", PermissionDenied, Denied, Some("EN148"),
        "the purpose does not grant this service",
        "use one of the granted services",
        "la finalità non comprende questo servizio",
        "usare uno dei servizi concessi";
    /// The purpose does not grant this kind of verification.
    VerificationNotGranted = "VERIFICATION_NOT_GRANTED", PermissionDenied, Denied, Some("EN148"),
        "the purpose does not grant this verification",
        "use one of the granted verifications",
        "la finalità non comprende questa verifica",
        "usare una delle verifiche concesse";
    /// Fields beyond the grant.
    FieldsNotGranted = "FIELDS_NOT_GRANTED", PermissionDenied, Denied, Some("EN148"),
        "fields were asked for that the purpose does not grant",
        "ask for granted fields only, or leave the mask empty",
        "sono stati chiesti campi che la finalità non comprende",
        "chiedere solo i campi concessi, o lasciare vuota la maschera";
    /// A municipality outside the territory.
    OutsideTerritory = "OUTSIDE_TERRITORY", PermissionDenied, Denied, Some("EN167"),
        "the municipality lies outside the territory of the agreement",
        "ask within the territory of the agreement",
        "il comune è fuori dal territorio della convenzione",
        "interrogare entro il territorio della convenzione";
    /// What was known at an earlier instant, which no clause grants or which has not come.
    KnownOnNotGranted = "KNOWN_ON_NOT_GRANTED", PermissionDenied, Denied, None,
        "the agreement does not open what was known at that instant",
        "ask what is known now, or have known_on granted; no instant in the future",
        "la convenzione non apre ciò che era noto a quell'istante",
        "interrogare ciò che è noto ora, o far concedere known_on; mai un istante futuro";
    /// A reference date before the granted history.
    HistoryTooDeep = "HISTORY_TOO_DEEP", PermissionDenied, Denied, None,
        "the reference date lies before the history the agreement opens",
        "ask for the stated day or a later one",
        "la data di riferimento precede lo storico aperto dalla convenzione",
        "indicare il giorno segnalato o uno successivo";
    /// No operator is named (R23).
    OperatorMissing = "OPERATOR_MISSING", PermissionDenied, Denied, None,
        "the operator is not named",
        "name the natural person on whose behalf the call is made",
        "manca l'operatore",
        "indicare la persona fisica per conto della quale si chiama";
    /// The operator is a collective account (R6).
    OperatorCollective = "OPERATOR_COLLECTIVE", PermissionDenied, Denied, None,
        "the operator is a collective account",
        "use the personal account of a natural person",
        "l'operatore è un'utenza collettiva",
        "usare l'utenza personale di una persona fisica";
    /// The operator's authentication is too weak.
    AssuranceTooLow = "ASSURANCE_TOO_LOW", PermissionDenied, Denied, None,
        "the operator's level of assurance is too low",
        "authenticate the operator at the stated level or above",
        "il livello di garanzia dell'operatore è insufficiente",
        "autenticare l'operatore almeno al livello indicato";
    /// No workstation is named (R13).
    WorkstationMissing = "WORKSTATION_MISSING", PermissionDenied, Denied, None,
        "the workstation is not named",
        "name the operator's workstation",
        "manca la postazione",
        "indicare la postazione dell'operatore";
    /// The purpose needs the declarant's consent.
    ConsentMissing = "CONSENT_MISSING", PermissionDenied, Denied, None,
        "the purpose needs the consent of the declarant",
        "give reference and date of the consent",
        "la finalità richiede il consenso del dichiarante",
        "indicare riferimento e data del consenso";
    /// The consent bears a future date.
    ConsentNotYetGiven = "CONSENT_NOT_YET_GIVEN", PermissionDenied, Denied, None,
        "the date of the consent lies after today",
        "give the day on which the consent was given",
        "la data del consenso è successiva a oggi",
        "indicare il giorno in cui il consenso è stato dato";
    /// The consent's number has not the form the agreement wants.
    ConsentReferenceIllFormed = "CONSENT_REFERENCE_ILL_FORMED", PermissionDenied, Denied, Some("EN081"),
        "the number of the consent has not the agreed form",
        "give the number of the consent in the stated form",
        "il numero del consenso non ha la forma convenuta",
        "indicare il numero del consenso nella forma segnalata";
    /// A declaration about somebody else than the declarant.
    DeclaredPersonNotGranted = "DECLARED_PERSON_NOT_GRANTED", PermissionDenied, Denied, None,
        "the purpose verifies declarations about the declarant alone",
        "verify what the declarant states about himself",
        "la finalità verifica solo le dichiarazioni sul dichiarante",
        "verificare quanto il dichiarante attesta di sé";
    /// The case file is not named (R15).
    CaseReferenceMissing = "CASE_REFERENCE_MISSING", PermissionDenied, Denied, Some("EN081"),
        "the case file is not named",
        "give the number of the case file",
        "manca il riferimento della pratica",
        "indicare il numero della pratica";
    /// The case file's number has not the form the agreement wants.
    CaseReferenceIllFormed = "CASE_REFERENCE_ILL_FORMED", PermissionDenied, Denied, Some("EN081"),
        "the number of the case file has not the agreed form",
        "give the number in the stated form",
        "il numero della pratica non ha la forma convenuta",
        "indicare il numero nella forma segnalata";
    /// Urgent calls are not granted.
    UrgencyNotGranted = "URGENCY_NOT_GRANTED", PermissionDenied, Denied, None,
        "urgent calls are not granted",
        "make an ordinary call",
        "le chiamate urgenti non sono concesse",
        "effettuare una chiamata ordinaria";
    /// Calls of this minute used up.
    QuotaPerMinute = "QUOTA_PER_MINUTE", ResourceExhausted, Denied, None,
        "the calls of this minute are used up",
        "wait for the stated instant",
        "le chiamate di questo minuto sono esaurite",
        "attendere l'istante indicato";
    /// Calls of today used up.
    QuotaPerDay = "QUOTA_PER_DAY", ResourceExhausted, Denied, None,
        "the calls of today are used up",
        "stop until the stated instant",
        "le chiamate di oggi sono esaurite",
        "sospendere fino all'istante indicato";
    /// Too many calls of today found nothing.
    QuotaMisses = "QUOTA_MISSES", ResourceExhausted, Denied, None,
        "too many calls of today found nothing",
        "stop until the stated instant and check the identifiers",
        "troppe chiamate di oggi senza risultato",
        "sospendere fino all'istante indicato e verificare gli identificativi";
    /// A list of more rows than a batch may have, or a row that is none of them.
    BatchTooLong = "BATCH_TOO_LONG", InvalidArgument, Denied, Some("EN101"),
        "the list has more rows than the agreement admits",
        "divide the list",
        "l'elenco ha più righe di quante la convenzione ne ammetta",
        "suddividere l'elenco";
    /// The list's approval is not valid.
    ApprovalNotValid = "APPROVAL_NOT_VALID", PermissionDenied, Denied, None,
        "the approval of the list is not valid",
        "name the act, the natural person who approved the list, and the day",
        "l'approvazione dell'elenco non è valida",
        "indicare l'atto, la persona fisica che ha approvato l'elenco e il giorno";
    /// Rows of today used up.
    QuotaRows = "QUOTA_ROWS", ResourceExhausted, Denied, None,
        "the rows of today are used up",
        "go on after the stated instant",
        "le righe di oggi sono esaurite",
        "riprendere dopo l'istante indicato";
    /// A person named in a way that the agreement does not grant.
    SearchModeNotGranted = "SEARCH_MODE_NOT_GRANTED", PermissionDenied, Denied, Some("EN148"),
        "the agreement does not let a person be named in this way",
        "name the person by codice fiscale or national id",
        "la convenzione non consente di indicare la persona in questo modo",
        "indicare il codice fiscale o l'identificativo nazionale";
    /// The purpose does not grant this kind of ascertainment.
    AscertainmentNotGranted = "ASCERTAINMENT_NOT_GRANTED", PermissionDenied, Denied, Some("EN148"),
        "the purpose does not grant this ascertainment",
        "use one of the granted ascertainments, or have this one added to the purpose",
        "la finalità non comprende questo accertamento",
        "usare uno degli accertamenti concessi, o far aggiungere questo alla finalità";
    /// Too many different declarations about the same identifiers.
    QuotaDeclarations = "QUOTA_DECLARATIONS", ResourceExhausted, Denied, None,
        "too many different declarations about the same identifiers",
        "repeat one that was made before, or wait for the stated instant",
        "troppe dichiarazioni diverse sugli stessi identificativi",
        "ripeterne una già fatta o attendere l'istante indicato";

    // What a node published.
    /// A change's number does not follow the last one.
    PublicationGap = "PUBLICATION_GAP", FailedPrecondition, Conflict, None,
        "the batch does not follow the last one the index holds",
        "publish again from the stated sequence number",
        "il lotto non segue l'ultimo che l'indice possiede",
        "ripubblicare dal numero di sequenza indicato";
    /// The same number with other content.
    PublicationConflict = "PUBLICATION_CONFLICT", Aborted, Conflict, None,
        "the index holds other content under the same sequence number",
        "compare the digests and publish the municipality again",
        "l'indice possiede un altro contenuto con lo stesso numero di sequenza",
        "confrontare le impronte e ripubblicare il comune";
    /// The node's clock is wrong.
    ClockSkew = "CLOCK_SKEW", FailedPrecondition, Conflict, None,
        "the clock of the node is too far from that of the index",
        "set the clock of the node",
        "l'orologio del nodo è troppo lontano da quello dell'indice",
        "regolare l'orologio del nodo";
    /// Not a municipality of this node.
    ForeignMunicipality = "FOREIGN_MUNICIPALITY", PermissionDenied, Denied, Some("EN167"),
        "the municipality is not one of this node",
        "publish the node's own municipalities only",
        "il comune non appartiene a questo nodo",
        "pubblicare solo i comuni del nodo";
    /// The index lost what it had acknowledged, and says so.
    IndexRestored = "INDEX_RESTORED", FailedPrecondition, Conflict, None,
        "the index was restored to an earlier state",
        "read the state again and publish from there",
        "l'indice è stato ripristinato a uno stato precedente",
        "rileggere lo stato e ripubblicare da lì";
    /// Digest or protocol version not shared.
    VersionNotShared = "VERSION_NOT_SHARED", FailedPrecondition, Conflict, None,
        "node and index share no version of the protocol or digest",
        "update the older of the two",
        "nodo e indice non condividono una versione di protocollo o impronta",
        "aggiornare il più vecchio dei due";
    /// Another stream of the same municipality is open.
    StreamSuperseded = "STREAM_SUPERSEDED", Aborted, Conflict, None,
        "another stream of the same node took over",
        "run one publisher for each node",
        "un altro flusso dello stesso nodo è subentrato",
        "avviare un solo pubblicatore per nodo";

    /// No signature of the municipality's publication key.
    BatchNotSigned = "BATCH_NOT_SIGNED", PermissionDenied, Denied, None,
        "the batch is not signed by the municipality's publication key",
        "enrol the publication key of the node at the index",
        "il lotto non è firmato con la chiave di pubblicazione del comune",
        "registrare presso l'indice la chiave di pubblicazione del nodo";
    /// What waits is no longer what the registrar was shown.
    HoldingsChanged = "HOLDINGS_CHANGED", FailedPrecondition, Conflict, None,
        "what waits is not what the statement names",
        "list what waits, and sign a statement about that",
        "le variazioni in attesa non sono quelle indicate nella dichiarazione",
        "elencare le variazioni in attesa e firmare una dichiarazione su di esse";
    /// Not a statement of a registrar of the municipality.
    StatementNotSigned = "STATEMENT_NOT_SIGNED", PermissionDenied, Denied, None,
        "the statement is not signed by a registrar of the municipality",
        "sign with the personal key that the index knows for this registrar",
        "la dichiarazione non è firmata da un ufficiale d'anagrafe del comune",
        "firmare con la chiave personale che l'indice conosce per l'ufficiale";
    /// The municipality has left: its cards and keys were destroyed.
    MunicipalityWithdrawn = "MUNICIPALITY_WITHDRAWN", FailedPrecondition, Conflict, None,
        "the municipality was withdrawn from the index, and its cards and keys were destroyed",
        "remove the node; a municipality that was withdrawn cannot come back to the same index",
        "il comune è stato ritirato dall'indice e le sue schede e chiavi sono state distrutte",
        "dismettere il nodo; un comune ritirato non può rientrare nello stesso indice";

    // What an auditor, a witness or an administrator asked.
    /// Outside the reader's scope.
    OutsideScope = "OUTSIDE_SCOPE", PermissionDenied, Denied, None,
        "outside the scope of this reader",
        "ask within your own scope",
        "fuori dall'ambito di questo lettore",
        "interrogare entro il proprio ambito";
    /// No such entry, agreement, node or municipality: nothing personal.
    ResourceNotFound = "RESOURCE_NOT_FOUND", NotFound, NotFound, None,
        "no such resource",
        "check the name",
        "risorsa inesistente",
        "verificare il nome";
    /// A size or index beyond the log.
    LogRange = "LOG_RANGE", OutOfRange, Usage, None,
        "the log does not reach that far",
        "ask within the size of the newest checkpoint",
        "il registro degli accessi non arriva a quel punto",
        "restare entro la dimensione dell'ultimo checkpoint";
    /// The witness holds another history.
    WitnessConflict = "WITNESS_CONFLICT", Aborted, Conflict, None,
        "the cosigned checkpoint is not one of this log",
        "keep both checkpoints and report them",
        "il checkpoint cofirmato non è di questo registro",
        "conservare entrambi i checkpoint e segnalarli";
    /// No checkpoint that covers the receipt is witnessed yet.
    NotWitnessedYet = "NOT_WITNESSED_YET", FailedPrecondition, Unavailable, None,
        "no checkpoint at or after the receipt's is witnessed yet",
        "keep the receipt and try again later",
        "nessun checkpoint pari o successivo a quello della ricevuta è ancora confermato dai testimoni",
        "conservare la ricevuta e riprovare più tardi";
    /// Too many entries of the access log are not counted yet.
    OversightBehind = "OVERSIGHT_BEHIND", Unavailable, Unavailable, None,
        "the accesses of the log are still being counted",
        "try again later",
        "gli accessi del registro sono ancora in corso di conteggio",
        "riprovare più tardi";
    /// The state of the sample does not allow the step.
    SampleState = "SAMPLE_STATE", FailedPrecondition, Conflict, None,
        "the state of the sample does not allow this step",
        "read where the accesses of the sample stand",
        "lo stato del campione non consente questo passo",
        "verificare a che punto sono gli accessi del campione";
    /// The opening was asked for with the same certificate.
    OpeningSameCertificate = "OPENING_SAME_CERTIFICATE", PermissionDenied, Denied, None,
        "the opening was asked for with this certificate",
        "let another regional auditor confirm it, with a certificate of its own",
        "l'apertura è stata richiesta con questo stesso certificato",
        "farla confermare da un altro auditor regionale con un proprio certificato";
    /// The opening was asked for by the same auditor.
    OpeningSameAuditor = "OPENING_SAME_AUDITOR", PermissionDenied, Denied, None,
        "the opening was asked for by this auditor",
        "let another regional auditor confirm it",
        "l'apertura è stata richiesta da questo stesso auditor",
        "farla confermare da un altro auditor regionale";
    /// The opening was asked for by the same natural person.
    OpeningSamePerson = "OPENING_SAME_PERSON", PermissionDenied, Denied, None,
        "the opening was asked for by this person",
        "let another person confirm it",
        "l'apertura è stata richiesta da questa stessa persona",
        "farla confermare da un'altra persona";
    /// Nobody confirmed the opening within three days.
    OpeningLapsed = "OPENING_LAPSED", FailedPrecondition, Conflict, None,
        "the time to confirm the opening is over",
        "ask for the opening again",
        "il termine per confermare l'apertura è scaduto",
        "richiedere di nuovo l'apertura";
    /// The opening was confirmed before.
    OpeningSettled = "OPENING_SETTLED", FailedPrecondition, Conflict, None,
        "the opening was confirmed before",
        "read what it opened while it lasts, or ask for another one",
        "l'apertura è già stata confermata",
        "leggere quanto aperto finché dura o richiederne un'altra";
    /// Not all of the entries are reserved accesses of which anything is kept.
    OpeningNotReserved = "OPENING_NOT_RESERVED", FailedPrecondition, Conflict, None,
        "not all of the entries are reserved accesses that can be opened",
        "name entries that are shown as reserved",
        "non tutte le voci sono accessi riservati che si possano aprire",
        "indicare voci mostrate come riservate";
    /// Nobody of whom the index holds a card has the identifier of a report's subject.
    SubjectUnknown = "SUBJECT_UNKNOWN", NotFound, NotFound, None,
        "no card within this reader's scope has the identifier",
        "check the identifier",
        "nessuna scheda nell'ambito di questo lettore ha l'identificativo",
        "verificare l'identificativo";
    /// The identifier of a report's subject leads to several persons.
    SubjectAmbiguous = "SUBJECT_AMBIGUOUS", FailedPrecondition, Usage, None,
        "the identifier leads to several persons",
        "name the person by municipality and the municipality's own number of the card",
        "l'identificativo conduce a più persone",
        "indicare la persona con il comune e il numero di scheda del comune";
    /// More accesses than one report may list.
    ReportTooLong = "REPORT_TOO_LONG", FailedPrecondition, Usage, None,
        "the report would list more accesses than one report may",
        "divide the range of time",
        "il riscontro elencherebbe più accessi di quanti un riscontro ne possa contenere",
        "suddividere il periodo";
    /// The agreement file is not valid.
    AgreementInvalid = "AGREEMENT_INVALID", InvalidArgument, Usage, None,
        "the agreement file is not valid",
        "correct the named keys",
        "il file della convenzione non è valido",
        "correggere le chiavi indicate";
    /// The agreement's state does not allow the step.
    AgreementState = "AGREEMENT_STATE", FailedPrecondition, Conflict, None,
        "the state of the agreement does not allow this step",
        "read the state of the agreement",
        "lo stato della convenzione non consente questo passo",
        "leggere lo stato della convenzione";
}
